import { randomBytes } from 'node:crypto';
import type { NewJob } from '@slacktide/application/ports';
import { timeOrderedId } from '@slacktide/domain';
import { expect, it } from 'vitest';
import { claimedBy, executionsSetup, taskOf } from '../../../../test/support/executions.ts';
import { sampleContext, sampleJob, sampleTask } from '../../../../test/support/ledger-data.ts';

const busy = { kind: 'not_yet', reason: 'target_busy' };
const givenUp = { kind: 'skipped', reason: 'target_busy' };

/** Jobs of tasks that may run for a minute: they wait for an hour. */
async function setup() {
  const them = await executionsSetup();
  const { ledger, sql, claim, addJob, executions } = them;
  const minutesAgo = async (minutes: number): Promise<Date> => {
    const [row] = await sql<
      [{ at: Date }]
    >`SELECT date_trunc('milliseconds', now() - make_interval(mins => ${minutes})) AS at`;
    return row.at;
  };
  /** A job that was due and made so long ago; `analyse` needs `rebuild`. */
  const add = async (ago: { due: number; made: number }, changes: Partial<NewJob> = {}): Promise<NewJob> => {
    const scheduledFor = await minutesAgo(ago.due);
    const id = timeOrderedId(scheduledFor, randomBytes(10));
    const task = (key: string, position: number, needs: string[]) =>
      sampleTask({ jobId: id, key, position, needs, timeLimitSeconds: 60 }, scheduledFor);
    const tasks = [task('rebuild', 0, []), task('analyse', 1, ['rebuild'])];
    const job = sampleJob({ id, scheduledFor, tasks, haltOnTaskFailure: false, ...changes });
    await ledger.transaction(sampleContext(), async (tx) => {
      await tx.jobs.insert(job);
      return { result: null, audit: [{ action: 'test', entity: 'job', entityId: 'none' }] };
    });
    await sql`INSERT INTO audit_events (at, actor, action, entity, entity_id)
      VALUES (${await minutesAgo(ago.made)}, 'test', 'job.create', 'job', ${id})`;
    return job;
  };
  /** Has another task hold the target; resolves with what ends it. */
  const hold = async () => {
    const holder = claimedBy(await claim(await addJob(), 'rebuild', { workerId: 'holder' }));
    return () => executions.finish(holder, { kind: 'succeeded', result: {} }, []);
  };
  const stateOf = async (job: NewJob, key: string) => {
    const task = (await ledger.jobs.get(job.id))?.tasks.find((each) => each.key === key);
    return [task?.state, task?.reason];
  };
  return { ...them, add, hold, stateOf };
}

it('ends a task that waited for its busy target for too long, and the next task with it', async () => {
  const { add, hold, claim, stateOf } = await setup();
  const end = await hold();
  const [young, old] = [await add({ due: 59, made: 59 }), await add({ due: 61, made: 61 })];
  expect(await claim(young, 'rebuild')).toEqual(busy);
  expect(await claim(old, 'rebuild')).toEqual(givenUp);
  expect(await stateOf(old, 'rebuild')).toEqual(['SKIPPED', 'target_busy']);
  // Its need was over just now, but never ran: the patience of the job is used up.
  expect(await claim(old, 'analyse')).toEqual(givenUp);
  await end();
  expect((await claim(young, 'rebuild')).kind).toBe('claimed');
});

it('lets a task that waited for long have the target that is free', async () => {
  const { add, claim } = await setup();
  expect((await claim(await add({ due: 600, made: 600 }), 'rebuild')).kind).toBe('claimed');
});

it('counts from when the job was made, not from the due time it catches up with', async () => {
  const { add, hold, claim } = await setup();
  await hold();
  expect(await claim(await add({ due: 600, made: 5 }), 'rebuild')).toEqual(busy);
  expect(await claim(await add({ due: 600, made: 61 }), 'rebuild')).toEqual(givenUp);
});

it('counts from when the last need was over that ran', async () => {
  const { add, hold, claim, executions } = await setup();
  const job = await add({ due: 600, made: 600 });
  const first = claimedBy(await claim(job, 'rebuild'));
  await executions.finish(first, { kind: 'succeeded', result: {} }, []);
  await hold();
  expect(await claim(job, 'analyse')).toEqual(busy);
});

it('counts from when the task was given back, unless the target was busy then', async () => {
  const { add, hold, claim, executions, stateOf, sql } = await setup();
  const [drained, locked] = [await add({ due: 600, made: 600 }), await add({ due: 600, made: 600 })];
  await executions.release(claimedBy(await claim(drained, 'rebuild')), 'worker draining');
  await executions.release(claimedBy(await claim(locked, 'rebuild')), 'target_locked');
  // Nobody the ledger knows of holds the target, and still it was found locked: not tried for ever.
  expect(await claim(locked, 'rebuild')).toEqual(givenUp);
  expect(await stateOf(locked, 'rebuild')).toEqual(['SKIPPED', 'target_busy']);
  await hold();
  expect(await claim(drained, 'rebuild')).toEqual(busy);
  expect(await sql`SELECT FROM leases`).toHaveLength(1);
});

it('counts from when the job it was queued behind was over', async () => {
  const { add, hold, claim, sql } = await setup();
  const earlier = await add({ due: 700, made: 700 });
  const later = await add({ due: 600, made: 600 }, { afterJobId: earlier.id });
  expect(await claim(later, 'rebuild')).toEqual({ kind: 'not_yet', reason: 'queued' });
  await sql`UPDATE tasks SET state = 'SKIPPED', reason = 'halted', finished_at = now() WHERE job_id = ${earlier.id}`;
  await sql`UPDATE jobs SET state = 'SUCCEEDED', started_at = now(), finished_at = now() WHERE id = ${earlier.id}`;
  await hold();
  expect(await claim(later, 'rebuild')).toEqual(busy);
  expect(taskOf(later, 'rebuild').timeLimitSeconds).toBe(60);
});

it('lets a job start whose predecessor is gone from history', async () => {
  const { add, claim } = await setup();
  const gone = timeOrderedId(new Date('2026-01-01T00:00:00Z'), randomBytes(10));
  expect((await claim(await add({ due: 1, made: 1 }, { afterJobId: gone }), 'rebuild')).kind).toBe('claimed');
});
