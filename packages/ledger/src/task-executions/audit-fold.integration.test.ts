import { randomBytes } from 'node:crypto';
import { AppError, cancelJob, resolveTask } from '@slacktide/application';
import type { ClaimedTask, NewJob, TakenOver, TaskOutcome } from '@slacktide/application/ports';
import { accesses, resolutions, type State, timeOrderedId } from '@slacktide/domain';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { executionsSetup, sampleStep, taskOf } from '../../../../test/support/executions.ts';
import { noon, sampleContext, sampleTask } from '../../../../test/support/ledger-data.ts';

type Setup = Awaited<ReturnType<typeof executionsSetup>>;

const outcomes: readonly TaskOutcome[] = [
  { kind: 'succeeded', result: {} },
  { kind: 'failed', error: { code: 'boom', message: 'boom' }, result: null },
  { kind: 'cancelled', result: null },
  { kind: 'skipped', reason: 'outside_window', result: null },
  { kind: 'rolled_back', result: null },
  { kind: 'needs_operator', error: { code: 'outcome_unclear', message: 'nobody can tell' }, result: null },
];

const keys = ['a', 'b', 'c'] as const;
const job = fc.nat(1);
const key = fc.constantFrom(...keys);
/** How many claims ago, of all that were ever made: the latest as a rule, for the others are long over. */
const claim = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat() });
const taken = claim;
const operation = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('claim'),
      job,
      key,
      access: fc.constantFrom(...accesses),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('finish'), claim, outcome: fc.constantFrom(...outcomes) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release'), claim }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire'), claim }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('take over'), job, key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('postpone'), taken }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('redrive'), taken }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('settle'), taken, outcome: fc.constantFrom(...outcomes) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('resolve'), job, key, resolution: fc.constantFrom(...resolutions) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel'), job }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('finalise'), job }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Needs of `b` and `c`, each a subset of what comes before. */
const needs = fc.tuple(fc.constant([]), fc.subarray(['a']), fc.subarray(['a', 'b']));

async function addJob(
  setup: Setup,
  needsOf: readonly (readonly string[])[],
  haltOnTaskFailure: boolean,
): Promise<NewJob> {
  const id = timeOrderedId(noon, randomBytes(10));
  const tasks = keys.map((key, position) => sampleTask({ jobId: id, key, position, needs: needsOf[position] ?? [] }));
  return setup.addJob({ id, tasks, haltOnTaskFailure });
}

/** Everything a run of operations has made so far. */
interface World {
  readonly setup: Setup;
  readonly jobs: readonly NewJob[];
  readonly claims: ClaimedTask[];
  readonly taken: TakenOver[];
}

const pick = <T>(all: readonly T[], ago: number): T | undefined => all.at(-1 - (ago % Math.max(all.length, 1)));

async function perform(world: World, operation: Operation): Promise<unknown> {
  const { setup, claims, taken } = world;
  const { executions } = setup;
  const { recoveries } = setup.connection;
  if ('claim' in operation) {
    const claimed = pick(claims, operation.claim);
    if (claimed === undefined) return;
    if (operation.kind === 'release') return await executions.release(claimed, 'target_busy');
    if (operation.kind === 'expire') return await setup.expireLease(claimed);
    return await executions.finish(claimed, operation.outcome, [sampleStep()]);
  }
  if ('taken' in operation) {
    const over = pick(taken, operation.taken);
    if (over === undefined) return;
    if (operation.kind === 'postpone') return await recoveries.postpone(over, 'session_still_running', 0);
    if (operation.kind === 'redrive') return await recoveries.redrive(over, 'worker_lost');
    return await recoveries.settle(over, operation.outcome, over.steps);
  }
  const ofJob = world.jobs[operation.job];
  if (ofJob !== undefined) await performOnJob(world, ofJob, operation);
}

async function performOnJob(
  { setup, claims, taken }: World,
  job: NewJob,
  operation: Extract<Operation, { job: number }>,
): Promise<void> {
  const { executions, ledger } = setup;
  const kept = await ledger.jobs.get(job.id);
  const generation = kept?.generation ?? 0;
  /** One in that state where there is one, else the one of the operation, to be refused. */
  const taskIn = (state: State, key: string) =>
    kept?.tasks.find((task) => task.state === state)?.id ?? taskOf(job, key).id;
  switch (operation.kind) {
    case 'claim': {
      const result = await setup.claim(job, operation.key, { access: operation.access, generation });
      if (result.kind === 'claimed') claims.push(result.claimed);
      return;
    }
    case 'take over': {
      const taskId = taskIn('RUNNING', operation.key);
      await setup.sql`UPDATE leases SET expires_at = now() - interval '1 second' WHERE task_id = ${taskId} AND fence > 0`;
      const result = await setup.connection.recoveries.takeOver({ taskId, workerId: 'w2', leaseLifeMs: 60_000 });
      if (result.kind === 'taken') taken.push(result.taken);
      if (result.kind === 'taken') claims.push(result.taken);
      return;
    }
    case 'resolve': {
      const input = { id: taskIn('NEEDS_OPERATOR', operation.key), outcome: operation.resolution, note: 'looked' };
      return await unlessConflict(resolveTask({ ledger }, sampleContext(), input));
    }
    case 'cancel':
      return await unlessConflict(cancelJob({ ledger }, sampleContext(), { id: job.id }));
    case 'finalise':
      await executions.finalise({ jobId: job.id, generation });
  }
}

async function unlessConflict(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof AppError && error.code === 'conflict')) throw error;
  });
}

type Summary = { state?: string };

/** States of the job and its tasks (by key) as the audit log alone tells them; every event must begin where the last one ended. */
async function foldAudit({ sql }: Setup, { id, tasks }: NewJob): Promise<Record<string, string>> {
  const keyOf = new Map([[id, 'job'], ...tasks.map((task) => [task.id, task.key] as const)]);
  const events = await sql<{ entity_id: string; action: string; before: Summary | null; after: Summary }[]>`
    SELECT entity_id, action, before, after FROM audit_events
    WHERE entity_id = ANY(${[...keyOf.keys()]}) AND action <> 'job.create' ORDER BY id`;
  const folded: Record<string, string> = Object.fromEntries([...keyOf.values()].map((key) => [key, 'PENDING']));
  for (const { entity_id, action, before, after } of events) {
    const key = keyOf.get(entity_id) ?? '';
    if (before?.state !== undefined) expect({ action, state: before.state }).toEqual({ action, state: folded[key] });
    if (after.state !== undefined) folded[key] = after.state;
  }
  return folded;
}

async function actualStates({ ledger }: Setup, { id }: NewJob): Promise<Record<string, string>> {
  const kept = await ledger.jobs.get(id);
  return { job: kept?.state ?? '', ...Object.fromEntries((kept?.tasks ?? []).map(({ key, state }) => [key, state])) };
}

it('states are what the audit log folds to, and nobody shares a target with one who acts, after any sequence of operations', async () => {
  const setup = await executionsSetup();
  const { sql } = setup;
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { minLength: 10, maxLength: 60, size: 'max' }),
      needs,
      fc.tuple(fc.boolean(), fc.boolean()),
      async (operations, needsOf, halts) => {
        await sql`DELETE FROM leases`;
        const jobs = [await addJob(setup, needsOf, halts[0]), await addJob(setup, needsOf, halts[1])];
        const world: World = { setup, jobs, claims: [], taken: [] };
        for (const operation of operations) {
          await perform(world, operation);
          const [live] = await sql`
            SELECT count(*)::int AS leases, count(*) FILTER (WHERE access = 'act')::int AS acting FROM leases WHERE expires_at > now()`;
          if (live?.['acting'] > 0) expect(live).toEqual({ leases: 1, acting: 1 });
        }
        for (const job of jobs) expect(await actualStates(setup, job)).toEqual(await foldAudit(setup, job));
        const fences = world.claims.map(({ fence }) => fence);
        expect(fences).toEqual(fences.toSorted((a, b) => a - b));
        expect(new Set(fences).size).toBe(fences.length);
      },
    ),
    { numRuns: 25 },
  );
});
