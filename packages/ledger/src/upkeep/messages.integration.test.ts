import type { ClaimedTask, NewJob } from '@slacktide/application/ports';
import { describe, expect, it, vi } from 'vitest';
import { claimedBy, executionsSetup } from '../../../../test/support/executions.ts';
import { sampleContext, sampleSchedule } from '../../../../test/support/ledger-data.ts';
import { pruneDeadLetters } from './settle-message.ts';

/** A claimed task of the job `drain`, and messages that wait for an hour to be tried again. */
async function setup() {
  const base = await executionsSetup();
  const { addJob, claim, connection, ledger, sql } = base;
  const claimed: ClaimedTask = claimedBy(await claim(await addJob(), 'rebuild', { access: 'observe' }));
  const add = async (message: object, changes: { attempts?: number; ageSeconds?: number; due?: boolean } = {}) => {
    const { attempts = 12, ageSeconds = 60, due = false } = changes;
    const about = message as { jobId?: string; scheduleId?: string };
    const subject = about.jobId === undefined ? `schedule:${about.scheduleId}` : `job:${about.jobId}`;
    const [row] = await sql<[{ id: string }]>`
      INSERT INTO outbox (subject, message, attempts, last_error, created_at, next_try_at)
      VALUES (${subject}, ${sql.json(message as never)}, ${attempts}, 'no such queue', now() - make_interval(secs => ${ageSeconds}),
        now() + make_interval(secs => ${due ? -1 : 3600})) RETURNING id`;
    return Number(row.id);
  };
  const over = async (job: NewJob) => {
    await sql`UPDATE jobs SET state = 'SKIPPED', reason = 'missed', finished_at = now() WHERE id = ${job.id}`;
  };
  const stuck = (filter: object = {}) =>
    connection.upkeep.stuckMessages({ minAttempts: 10, minAgeSeconds: 3_600, limit: 100, ...filter });
  const told = async () =>
    (await ledger.audit.list({ limit: 50 })).items
      .filter(({ action }) => action.startsWith('outbox.'))
      .map(({ action, entity, entityId, reason }) => ({ action, entity, entityId, reason }));
  return { ...base, upkeep: connection.upkeep, claimed, add, over, stuck, told };
}

describe('stuckMessages', () => {
  it('are those that failed often or wait long, the oldest first, with who needs them', async () => {
    const { add, addJob, ledger, over, sql, stuck } = await setup();
    const [open, ended] = [await addJob(), await addJob()];
    await over(ended);
    await sql`UPDATE jobs SET generation = 2 WHERE id = ${open.id}`;
    await ledger.transaction(sampleContext(), async (tx) => {
      await tx.schedules.insert(sampleSchedule({ id: 'nightly' }));
      return { result: null, audit: [{ action: 'schedule.create', entity: 'schedule', entityId: 'nightly' }] };
    });
    const ids = [
      await add({ kind: 'flow.add', jobId: open.id, generation: 2 }),
      await add({ kind: 'flow.add', jobId: open.id, generation: 1 }),
      await add({ kind: 'job.finalise', jobId: ended.id, generation: 1 }),
      await add({ kind: 'flow.remove', jobId: '01a2013a-7cce-7c3f-87e0-7dfe651239cd', generation: 1 }),
      await add({ kind: 'flow.remove', jobId: 'not ours', generation: 1 }),
      await add({ kind: 'schedule.sync', scheduleId: 'nightly' }),
      await add({ kind: 'schedule.sync', scheduleId: 'gone' }),
      await add({ kind: 'flow.move', jobId: open.id }),
      await add({ kind: 'flow.add', jobId: open.id, generation: 2 }, { attempts: 0, ageSeconds: 4_000, due: true }),
    ];
    await add({ kind: 'flow.add', jobId: open.id, generation: 2 }, { attempts: 9, ageSeconds: 3_000 });
    const { messages, stuck: count, waiting } = await stuck();
    expect(messages.map(({ id, need }) => [id, need])).toEqual([
      [ids[0], 'needed'],
      [ids[1], 'generation_stale'],
      [ids[2], 'job_over'],
      [ids[3], 'job_unknown'],
      [ids[4], 'job_unknown'],
      [ids[5], 'needed'],
      [ids[6], 'schedule_unknown'],
      [ids[7], 'unknown_kind'],
      [ids[8], 'needed'],
    ]);
    expect({ count, waiting }).toEqual({ count: 9, waiting: 10 });
    expect(messages[0]).toMatchObject({
      subject: `job:${open.id}`,
      kind: 'flow.add',
      attempts: 12,
      error: 'no such queue',
      isDue: false,
    });
    expect(messages.at(-1)).toMatchObject({ isDue: true });
    expect(await stuck({ limit: 2 })).toMatchObject({ messages: [{ id: ids[0] }, { id: ids[1] }], stuck: 9 });
  });
});

describe('settleMessage', () => {
  it('makes a message due, attempts kept, tells the audit log and wakes the relay', async () => {
    const { add, addJob, claimed, connection, sql, told, upkeep } = await setup();
    const job = await addJob();
    const id = await add({ kind: 'flow.add', jobId: job.id, generation: 1 });
    const wake = vi.fn();
    await connection.outbox.subscribe(wake);
    wake.mockClear();
    expect(await upkeep.settleMessage(claimed, id, 'redrive')).toEqual({ kind: 'redriven', need: 'needed' });
    await vi.waitFor(() => expect(wake).toHaveBeenCalled(), { timeout: 20_000 });
    const [row] = await sql`SELECT attempts, next_try_at <= now() AS due FROM outbox WHERE id = ${id}`;
    expect({ ...row }).toEqual({ attempts: 12, due: true });
    expect(await told()).toEqual([{ action: 'outbox.redrive', entity: 'job', entityId: job.id, reason: 'needed' }]);
    expect(await upkeep.settleMessage(claimed, id, 'redrive')).toEqual({ kind: 'left', why: 'due_already' });
    expect(await told()).toHaveLength(1);
  });

  it('archives what nobody needs, and tries again what is needed, although it was to be archived', async () => {
    const { add, addJob, claimed, over, sql, told, upkeep } = await setup();
    const [open, ended] = [await addJob(), await addJob()];
    await over(ended);
    const message = { kind: 'flow.add', jobId: ended.id, generation: 1 };
    const dead = await add(message, { due: true });
    const needed = await add({ kind: 'flow.add', jobId: open.id, generation: 1 });
    const timer = await add({ kind: 'schedule.sync', scheduleId: 'gone' });
    const settle = (id: number) => upkeep.settleMessage(claimed, id, 'archive');
    expect(await settle(dead)).toEqual({ kind: 'archived', need: 'job_over' });
    expect(await settle(needed)).toEqual({ kind: 'redriven', need: 'needed' });
    expect(await settle(timer)).toEqual({ kind: 'archived', need: 'schedule_unknown' });
    expect(await settle(dead)).toEqual({ kind: 'left', why: 'gone' });
    expect((await sql`SELECT id::int FROM outbox`).map(({ id }) => id)).toEqual([needed]);
    const [letter] = await sql`SELECT * FROM dead_letters WHERE id = ${dead}`;
    expect(letter).toMatchObject({
      message,
      attempts: 12,
      last_error: 'no such queue',
      need: 'job_over',
      task_id: claimed.task.id,
    });
    expect(await told()).toEqual([
      { action: 'outbox.archive', entity: 'task', entityId: claimed.task.id, reason: 'schedule_unknown' },
      { action: 'outbox.redrive', entity: 'job', entityId: open.id, reason: 'needed' },
      { action: 'outbox.archive', entity: 'job', entityId: ended.id, reason: 'job_over' },
    ]);
  });

  it('never strands a job: a flow that was to be archived as its job was over is not gone for a job that is open', async () => {
    const { add, addJob, claimed, connection, upkeep } = await setup();
    const job = await addJob();
    const id = await add({ kind: 'flow.add', jobId: job.id, generation: 1 });
    await upkeep.settleMessage(claimed, id, 'archive');
    const relayed = vi.fn(async () => [{ kind: 'done' as const }]);
    expect(await connection.outbox.drain(10, relayed)).toMatchObject({ relayed: 1 });
    expect(relayed).toHaveBeenCalledWith([{ kind: 'flow.add', jobId: job.id, generation: 1 }]);
  });

  it('lets go what waited behind an archived message of the same job', async () => {
    const { add, claimed, connection, upkeep } = await setup();
    const jobId = '01a2013a-7cce-7c3f-87e0-7dfe651239cd';
    const first = await add({ kind: 'flow.add', jobId, generation: 1 });
    await add({ kind: 'flow.remove', jobId, generation: 1 }, { due: true });
    expect(await connection.outbox.drain(10, async () => [])).toMatchObject({ relayed: 0 });
    await upkeep.settleMessage(claimed, first, 'archive');
    expect(await connection.outbox.drain(10, async () => [{ kind: 'done' }])).toMatchObject({ relayed: 1 });
  });

  it('leaves what is being relayed, and what another release wrote', async () => {
    const { add, claimed, connection, told, upkeep } = await setup();
    const jobId = '01a2013a-7cce-7c3f-87e0-7dfe651239cd';
    const id = await add({ kind: 'flow.add', jobId, generation: 1 }, { due: true });
    const drained = await connection.outbox.drain(10, async () => {
      expect(await upkeep.settleMessage(claimed, id, 'archive')).toEqual({ kind: 'left', why: 'in_hand' });
      return [{ kind: 'done' }];
    });
    expect(drained).toMatchObject({ relayed: 1 });
    const strange = await add({ kind: 'flow.move', jobId, generation: 1 });
    expect(await upkeep.settleMessage(claimed, strange, 'archive')).toEqual({ kind: 'left', why: 'unknown_kind' });
    expect(await told()).toEqual([]);
  });

  it('writes nothing once the claim does not hold any more', async () => {
    const { add, claimed, executions, sql, told, upkeep } = await setup();
    const id = await add({ kind: 'schedule.sync', scheduleId: 'gone' });
    await executions.finish(claimed, { kind: 'succeeded', result: {} }, []);
    expect(await upkeep.settleMessage(claimed, id, 'archive')).toBeUndefined();
    expect(await sql`SELECT FROM outbox WHERE id = ${id}`).toHaveLength(1);
    expect(await told()).toEqual([]);
  });
});

it('dead letters are kept for 90 days', async () => {
  const { add, claimed, sql, upkeep } = await setup();
  const [old, young] = [
    await add({ kind: 'schedule.sync', scheduleId: 'a' }),
    await add({ kind: 'schedule.sync', scheduleId: 'b' }),
  ];
  for (const id of [old, young]) await upkeep.settleMessage(claimed, id, 'archive');
  await sql`UPDATE dead_letters SET archived_at = now() - interval '91 days' WHERE id = ${old}`;
  await pruneDeadLetters(sql as never);
  expect((await sql`SELECT id::int FROM dead_letters`).map(({ id }) => id)).toEqual([young]);
});
