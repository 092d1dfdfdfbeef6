import type { AuditEntry, OutboxMessage, Relayed } from '@slacktide/application/ports';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { claimedBy, executionsSetup, taskOf } from '../../../../test/support/executions.ts';
import { freshLedger, lookInto } from '../../../../test/support/ledger.ts';
import { sampleContext } from '../../../../test/support/ledger-data.ts';
import { connectLedger } from '../connect.ts';

const audit: readonly [AuditEntry] = [{ action: 'job.create', entity: 'job', entityId: 'some' }];
const add = (jobId: string): OutboxMessage => ({ kind: 'flow.add', jobId, generation: 1 });
const remove = (jobId: string): OutboxMessage => ({ kind: 'flow.remove', jobId, generation: 1 });
const sync = (scheduleId: string): OutboxMessage => ({ kind: 'schedule.sync', scheduleId });

async function setup(...messages: OutboxMessage[]) {
  const databaseUrl = await freshLedger();
  const { ledger, outbox, close } = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 6 });
  onTestFinished(close);
  const write = (...added: OutboxMessage[]) =>
    ledger.transaction(sampleContext(), async (tx) => {
      for (const message of added) await tx.outbox.add(message);
      return { result: null, audit };
    });
  if (messages.length > 0) await write(...messages);
  const sql = lookInto(databaseUrl);
  const rows = () => sql`SELECT message, attempts, last_error FROM outbox ORDER BY id`;
  /** The ledger's clock, in milliseconds rounded down. */
  const clock = async () => {
    const [{ now }] = await sql<[{ now: Date }]>`SELECT clock_timestamp() AS now`;
    return now.getTime();
  };
  const makeDue = () => sql`UPDATE outbox SET next_try_at = now() - interval '1 second'`;
  return { ledger, outbox, write, sql, rows, makeDue, clock };
}

type Relay = (messages: readonly OutboxMessage[]) => Promise<readonly Relayed[]>;

/** A relay that keeps what it was given, in order. */
function recorder(refuse: (message: OutboxMessage) => boolean = () => false) {
  const seen: OutboxMessage[] = [];
  const relay: Relay = async (messages) => {
    seen.push(...messages);
    return messages.map((message) =>
      refuse(message) ? { kind: 'failed', error: new Error('no such queue') } : { kind: 'done' },
    );
  };
  return { seen, relay };
}

describe('drain', () => {
  it('relays up to the limit, oldest first, and what is relayed is gone', async () => {
    const messages = [add('a'), sync('s'), add('b'), add('c')];
    const { outbox, rows } = await setup(...messages);
    const { seen, relay } = recorder();
    expect(await outbox.drain(3, relay)).toEqual({ relayed: 3, failed: 0, away: 0 });
    expect(seen).toEqual(messages.slice(0, 3));
    expect(await outbox.drain(3, relay)).toEqual({ relayed: 1, failed: 0, away: 0 });
    expect(await outbox.drain(3, relay)).toEqual({ relayed: 0, failed: 0, away: 0 });
    expect(seen).toEqual(messages);
    expect(await rows()).toEqual([]);
  });

  it('relays the newest first when told to, but of one job still in order', async () => {
    const { outbox } = await setup(add('a'), add('b'), remove('b'), add('c'), sync('s'));
    const { seen, relay } = recorder();
    await outbox.drain(3, relay, 'newest');
    expect(seen).toEqual([sync('s'), add('c'), add('b')]);
    await outbox.drain(3, relay, 'newest');
    expect(seen.slice(3)).toEqual([remove('b'), add('a')]);
  });

  it('keeps a row whose relay rejects, with its error and a growing delay, and lets the others through', async () => {
    const { outbox, rows, sql, makeDue, clock } = await setup(add('bad'), add('good'));
    const isBad = (message: OutboxMessage) => 'jobId' in message && message.jobId === 'bad';
    const { seen, relay } = recorder(isBad);
    expect(await outbox.drain(10, relay)).toEqual({ relayed: 1, failed: 1, away: 0 });
    expect(await rows()).toEqual([{ message: add('bad'), attempts: 1, last_error: 'no such queue' }]);
    for (const seconds of [2, 4, 8, 16, 32, 60, 60]) {
      await makeDue();
      const before = await clock();
      await outbox.drain(10, relay);
      const [row] = await sql<[{ next_try_at: Date }]>`SELECT next_try_at FROM outbox`;
      const nextTryMs = row.next_try_at.getTime();
      expect(nextTryMs).toBeGreaterThanOrEqual(before + seconds * 1000);
      expect(nextTryMs).toBeLessThanOrEqual((await clock()) + seconds * 1000 + 1);
    }
    expect(seen.filter(isBad)).toHaveLength(8);
    await makeDue();
    expect(await outbox.drain(10, recorder().relay)).toEqual({ relayed: 1, failed: 0, away: 0 });
    expect(await rows()).toEqual([]);
  });

  it('leaves a row alone until its next try is due', async () => {
    const { outbox, sql } = await setup(add('a'));
    await sql`UPDATE outbox SET next_try_at = now() + interval '1 hour'`;
    const { seen, relay } = recorder();
    expect(await outbox.drain(10, relay)).toEqual({ relayed: 0, failed: 0, away: 0 });
    expect(seen).toEqual([]);
  });

  it('by several at once gives each row to one', async () => {
    const { outbox } = await setup(...Array.from({ length: 40 }, (_, n) => add(`job${n}`)));
    const { seen, relay } = recorder();
    const allIn = Promise.withResolvers<void>();
    let waiting = 0;
    // None finishes before all four have taken their rows.
    const together: Relay = async (messages) => {
      waiting += messages.length;
      if (waiting === 40) allIn.resolve();
      await allIn.promise;
      return await relay(messages);
    };
    const batches = await Promise.all([1, 2, 3, 4].map(() => outbox.drain(10, together)));
    expect(batches).toEqual(Array(4).fill({ relayed: 10, failed: 0, away: 0 }));
    expect(new Set(seen.map((message) => 'jobId' in message && message.jobId)).size).toBe(40);
  });

  it('relays what concerns one job or schedule in order: not at once, and nothing past a failure', async () => {
    const { outbox, makeDue, rows, sql } = await setup(add('a'), remove('a'), add('b'));
    const failing = recorder((message) => message.kind === 'flow.add' && message.jobId === 'a');
    await outbox.drain(10, failing.relay);
    await sql`UPDATE outbox SET next_try_at = now() + interval '1 hour' WHERE attempts > 0`;
    await outbox.drain(10, failing.relay);
    expect(failing.seen).toEqual([add('a'), add('b')]);
    expect((await rows()).map(({ message }) => message)).toEqual([add('a'), remove('a')]);
    await makeDue();
    const { seen, relay } = recorder();
    await outbox.drain(10, relay);
    await outbox.drain(10, relay);
    expect(seen).toEqual([add('a'), remove('a')]);
  });

  it('leaves a message as it was when Redis is away: that is no fault of it', async () => {
    const { outbox, rows } = await setup(add('a'), add('b'), add('c'));
    const relay: Relay = async ([first]) => {
      expect(first).toEqual(add('a'));
      return [{ kind: 'done' }, { kind: 'away' }, { kind: 'away' }];
    };
    expect(await outbox.drain(10, relay)).toEqual({ relayed: 1, failed: 0, away: 2 });
    expect(await rows()).toEqual([
      { message: add('b'), attempts: 0, last_error: null },
      { message: add('c'), attempts: 0, last_error: null },
    ]);
    expect(await outbox.drain(10, recorder().relay)).toEqual({ relayed: 2, failed: 0, away: 0 });
  });

  it('tries at once, when told to, what would wait for its next try', async () => {
    const { outbox, sql } = await setup(add('a'), add('b'));
    await sql`UPDATE outbox SET next_try_at = now() + interval '1 hour' WHERE message->>'jobId' = 'b'`;
    expect(await outbox.retryAll()).toBe(1);
    expect(await outbox.drain(10, recorder().relay)).toEqual({ relayed: 2, failed: 0, away: 0 });
  });

  it('gives a row back when its relay’s session dies', async () => {
    const { outbox, sql, rows } = await setup(add('a'));
    const drained = outbox.drain(10, async () => {
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'test' AND state = 'idle in transaction' AND datname = current_database()`;
      return [{ kind: 'done' }];
    });
    await expect(drained).rejects.toMatchObject({ code: 'ledger_unavailable' });
    expect(await rows()).toMatchObject([{ message: add('a'), attempts: 0 }]);
    expect(await outbox.drain(10, recorder().relay)).toEqual({ relayed: 1, failed: 0, away: 0 });
  });
});

describe('subscribe', () => {
  it('wakes when rows are committed, until it is ended', async () => {
    const { outbox, write, ledger } = await setup();
    const wake = vi.fn();
    const end = await outbox.subscribe(wake);
    wake.mockClear();
    const rejected = ledger.transaction(sampleContext(), async (tx) => {
      await tx.outbox.add(add('never'));
      throw new Error('no');
    });
    await expect(rejected).rejects.toThrow('no');
    await write(add('a'), add('b'));
    await vi.waitFor(() => expect(wake).toHaveBeenCalled(), { timeout: 20_000 });
    expect(wake).toHaveBeenCalledOnce();
    await end();
    const other = vi.fn();
    await outbox.subscribe(other);
    await write(add('c'));
    await vi.waitFor(() => expect(other.mock.calls.length).toBeGreaterThan(1), { timeout: 20_000 });
    expect(wake).toHaveBeenCalledOnce();
  });

  it('wakes again after its session was lost, since something may have come in between', async () => {
    const { outbox, sql, write } = await setup();
    const wake = vi.fn();
    await outbox.subscribe(wake);
    wake.mockClear();
    await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'test' AND query ILIKE 'listen%' AND datname = current_database()`;
    await vi.waitFor(() => expect(wake).toHaveBeenCalled(), { timeout: 20_000 });
    wake.mockClear();
    await write(add('a'));
    await vi.waitFor(() => expect(wake).toHaveBeenCalled(), { timeout: 20_000 });
  });
});

it('lists for open jobs the tasks that are not over, with their needs', async () => {
  const { addJob, claim, executions, connection, sql } = await executionsSetup();
  const [half, over, unclear] = [await addJob(), await addJob(), await addJob({ targetId: 'stock' })];
  const claimed = claimedBy(await claim(half, 'rebuild'));
  await executions.finish(claimed, { kind: 'succeeded', result: {} }, []);
  await sql`UPDATE jobs SET state = 'SKIPPED', reason = 'missed', finished_at = now() WHERE id = ${over.id}`;
  await sql`UPDATE jobs SET state = 'NEEDS_OPERATOR' WHERE id = ${unclear.id}`;
  const listed = await connection.outbox.listFlows([half.id, over.id, unclear.id, 'not-ours']);
  const { id, key, type, needs } = taskOf(half, 'analyse');
  expect(listed).toEqual([
    {
      jobId: half.id,
      generation: 1,
      trigger: 'manual',
      traceparent: half.traceparent,
      tasks: [{ id, key, type, needs }],
    },
  ]);
});

it('backlog counts what waits and says how old the oldest is', async () => {
  const { outbox, sql } = await setup();
  expect(await outbox.backlog()).toEqual({ waiting: 0, oldestSeconds: 0 });
  await sql`INSERT INTO outbox (subject, message, created_at) VALUES
    ('job:a', '{}', now() - interval '90 seconds'), ('job:b', '{}', now())`;
  const { waiting, oldestSeconds } = await outbox.backlog();
  expect(waiting).toBe(2);
  expect(oldestSeconds).toBeGreaterThanOrEqual(90);
  expect(oldestSeconds).toBeLessThan(150);
});
