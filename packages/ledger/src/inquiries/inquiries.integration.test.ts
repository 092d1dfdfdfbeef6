import type { Answer, Question } from '@slacktide/application/ports';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { freshLedger, lookInto } from '../../../../test/support/ledger.ts';
import { openPool } from '../sql.ts';
import { createInquiries } from './create-inquiries.ts';
import type { ServerOptions } from './create-server.ts';

const target = { kind: 'postgres', connection: 'postgresql://m@127.0.0.1:5432/shop', secretRef: 'env:SHOP' } as const;
const inspect: Question = { kind: 'inspect', target };
const refused: Answer = { kind: 'target_failed', code: 'unreachable', detail: 'nobody there' };
/** Longer than any of these tests takes. */
const patienceMs = 60_000;

async function setup() {
  const databaseUrl = await freshLedger();
  const sql = lookInto(databaseUrl);
  /** The inquiries of one more process. Polls far apart, so that notifications must do. */
  const process = (options: ServerOptions = {}) => {
    const pool = openPool({ databaseUrl, applicationName: 'test', maxConnections: 3 });
    onTestFinished(() => pool.end({ timeout: 5 }));
    return createInquiries(pool, { pollMs: 3_600_000, ...options });
  };
  /** Ends the sessions that listen, and waits until as many others do. */
  const loseListeners = async () => {
    const listeners = () => sql`SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'test' AND query LIKE 'listen %'`;
    const lost = (await listeners()).map(({ pid }) => pid);
    await sql`SELECT pg_terminate_backend(pid) FROM unnest(${lost}::int[]) AS pid`;
    await vi.waitFor(async () => {
      const now = await listeners();
      expect(now).toHaveLength(lost.length);
      expect(now.filter(({ pid }) => lost.includes(pid))).toEqual([]);
    }, 10_000);
  };
  return { sql, process, loseListeners };
}

/** An answer that waits to be let go, and how often it was asked for. */
function heldAnswer() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const answer = vi.fn(async () => {
    await promise;
    return refused;
  });
  return { answer, letGo: resolve };
}

describe('ask', () => {
  it('is answered by exactly one of two workers, each question with its own answer', async () => {
    const { process, sql } = await setup();
    const echo = vi.fn(async (question: Question): Promise<Answer> => {
      const detail = question.target.connection;
      return { kind: 'target_failed', code: 'unreachable', detail };
    });
    const servers = await Promise.all([process().serve('w1', echo), process().serve('w2', echo)]);
    const asker = process();
    const names = Array.from({ length: 20 }, (_, number) => `postgresql://m@127.0.0.1:5432/db${number}`);
    const answers = await Promise.all(
      names.map((connection) => asker.ask({ kind: 'inspect', target: { ...target, connection } }, patienceMs)),
    );
    expect(answers).toEqual(names.map((detail) => ({ kind: 'target_failed', code: 'unreachable', detail })));
    expect(echo).toHaveBeenCalledTimes(20);
    expect(await sql`SELECT FROM inquiries WHERE answer IS NULL OR worker_id NOT IN ('w1', 'w2')`).toHaveLength(0);
    await Promise.all(servers.map((stop) => stop()));
  });

  it('says that no worker answered when none is there, and nobody answers it later', async () => {
    const { process } = await setup();
    await expect(process().ask(inspect, 50)).rejects.toMatchObject({
      code: 'no_worker',
      message: expect.stringContaining('no worker answered'),
    });
    const answer = vi.fn(async () => refused);
    const worker = process();
    const stop = await worker.serve('w1', answer);
    await worker.ask(inspect, patienceMs);
    expect(answer).toHaveBeenCalledOnce();
    await stop();
  });

  it('says which worker took the question and gave no answer', async () => {
    const { process, sql } = await setup();
    const { answer, letGo } = heldAnswer();
    const stop = await process().serve('w1', answer);
    const refusal = expect(process().ask(inspect, patienceMs)).rejects.toMatchObject({
      code: 'no_worker',
      message: 'worker w1 took the question and gave no answer',
    });
    await vi.waitFor(() => expect(answer).toHaveBeenCalledOnce(), { timeout: 20_000 });
    await sql`WITH aged AS (UPDATE inquiries SET expires_at = now() RETURNING id)
      SELECT pg_notify('slacktide_inquiry_answered', id::text) FROM aged`;
    await refusal;
    letGo();
    await stop();
    expect(await sql`SELECT answer FROM inquiries`).toEqual([{ answer: null }]);
  });

  it('is told at once when the worker cannot answer, and the worker goes on', async () => {
    const { process } = await setup();
    const onError = vi.fn();
    const fault = new Error('a fault of ours');
    const answer = vi.fn(async () => refused).mockRejectedValueOnce(fault);
    const stop = await process({ onError }).serve('w1', answer);
    const asker = process();
    await expect(asker.ask(inspect, patienceMs)).rejects.toMatchObject({ code: 'no_worker' });
    await vi.waitFor(() => expect(onError).toHaveBeenCalledExactlyOnceWith(fault), { timeout: 20_000 });
    expect(await asker.ask(inspect, patienceMs)).toEqual(refused);
    await stop();
  });

  it('gets its answer though asker and worker lost their listening connections', async () => {
    const { process, loseListeners } = await setup();
    const { answer, letGo } = heldAnswer();
    const stop = await process().serve('w1', answer);
    const asker = process();
    const first = asker.ask(inspect, patienceMs);
    await vi.waitFor(() => expect(answer).toHaveBeenCalledOnce(), { timeout: 20_000 });
    await loseListeners();
    letGo();
    expect(await first).toEqual(refused);
    expect(await asker.ask(inspect, patienceMs)).toEqual(refused);
    await stop();
  });

  it('keeps the reference to the secret only, and sweeps what is older than an hour', async () => {
    const { process, sql } = await setup();
    await expect(process().ask(inspect, 1)).rejects.toMatchObject({ code: 'no_worker' });
    expect(await sql`SELECT question FROM inquiries`).toEqual([{ question: inspect }]);
    await sql`UPDATE inquiries SET asked_at = now() - interval '61 minutes', expires_at = now() - interval '60 minutes'`;
    await expect(process().ask(inspect, 1)).rejects.toMatchObject({ code: 'no_worker' });
    expect(await sql`SELECT FROM inquiries`).toHaveLength(1);
  });
});

describe('serve', () => {
  it('has no more in hand than its limit, and takes the next as one is done', async () => {
    const { process } = await setup();
    let inHand = 0;
    let most = 0;
    const stop = await process({ maxInHand: 2 }).serve('w1', async () => {
      inHand += 1;
      most = Math.max(most, inHand);
      await Promise.resolve();
      inHand -= 1;
      return refused;
    });
    const asker = process();
    await Promise.all(Array.from({ length: 12 }, () => asker.ask(inspect, patienceMs)));
    expect(most).toBeLessThanOrEqual(2);
    await stop();
  });

  it('waits for what is in hand when it stops, and takes nothing new', async () => {
    const { process, sql } = await setup();
    const { answer, letGo } = heldAnswer();
    const stop = await process().serve('w1', answer);
    const asker = process();
    const first = asker.ask(inspect, patienceMs);
    await vi.waitFor(() => expect(answer).toHaveBeenCalledOnce(), { timeout: 20_000 });

    const stopped = vi.fn();
    const stopping = stop().then(stopped);
    const second = asker.ask(inspect, 50);
    await expect(second).rejects.toMatchObject({ message: expect.stringContaining('no worker answered') });
    expect(stopped).not.toHaveBeenCalled();
    letGo();
    expect(await first).toEqual(refused);
    await stopping;
    expect(answer).toHaveBeenCalledOnce();
    expect(await sql`SELECT FROM inquiries WHERE worker_id IS NULL`).toHaveLength(1);
  });

  it('finds by polling what no notification told of, oldest first', async () => {
    const { process, sql } = await setup();
    const seen = vi.fn(async (_: Question) => refused);
    const stop = await process({ pollMs: 20, maxInHand: 1 }).serve('w1', seen);
    await sql`
      INSERT INTO inquiries (id, question, asked_at, expires_at)
      SELECT gen_random_uuid(), jsonb_build_object('number', number), now() - number * interval '1 second', now() + interval '1 minute'
      FROM generate_series(1, 3) AS number`;
    await vi.waitFor(() => expect(seen).toHaveBeenCalledTimes(3), { timeout: 20_000 });
    expect(seen.mock.calls.map(([question]) => question)).toEqual([{ number: 3 }, { number: 2 }, { number: 1 }]);
    await stop();
  });
});
