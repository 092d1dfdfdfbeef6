import { randomBytes } from 'node:crypto';
import { AppError, cancelJob } from '@slacktide/application';
import type { ClaimedTask, NewJob, TaskOutcome } from '@slacktide/application/ports';
import { accesses, timeOrderedId } from '@slacktide/domain';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { executionsSetup } from '../../../../test/support/executions.ts';
import { noon, sampleContext, sampleTask } from '../../../../test/support/ledger-data.ts';

type Setup = Awaited<ReturnType<typeof executionsSetup>>;

const outcomes: readonly TaskOutcome[] = [
  { kind: 'succeeded', result: {} },
  { kind: 'failed', error: { code: 'boom', message: 'boom' }, result: null },
  { kind: 'cancelled', result: null },
  { kind: 'skipped', reason: 'outside_window', result: null },
];

const keys = ['a', 'b', 'c'] as const;
const job = fc.nat(1);
/** Which claim, of all that were ever made: most are long over. */
const claim = fc.nat();
const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('claim'),
      job,
      key: fc.constantFrom(...keys),
      access: fc.constantFrom(...accesses),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('finish'), claim, outcome: fc.constantFrom(...outcomes) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release'), claim }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire'), claim }) },
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

async function perform(
  setup: Setup,
  jobs: readonly NewJob[],
  claims: ClaimedTask[],
  operation: Operation,
): Promise<void> {
  const { executions, ledger } = setup;
  const ofJob = 'job' in operation ? jobs[operation.job] : undefined;
  const claimed = 'claim' in operation ? claims[operation.claim % Math.max(claims.length, 1)] : undefined;
  if (operation.kind === 'claim' && ofJob && 'access' in operation) {
    const result = await setup.claim(ofJob, operation.key, { access: operation.access });
    if (result.kind === 'claimed') claims.push(result.claimed);
  } else if (operation.kind === 'finish' && claimed && 'outcome' in operation) {
    await executions.finish(claimed, operation.outcome, []);
  } else if (operation.kind === 'release' && claimed) {
    await executions.release(claimed, 'target_busy');
  } else if (operation.kind === 'expire' && claimed) {
    await setup.expireLease(claimed);
  } else if (operation.kind === 'finalise' && ofJob) {
    await executions.finalise({ jobId: ofJob.id, generation: 1 });
  } else if (operation.kind === 'cancel' && ofJob) {
    await cancelJob({ ledger }, sampleContext(), { id: ofJob.id }).catch((error: unknown) => {
      if (!(error instanceof AppError && error.code === 'conflict')) throw error;
    });
  }
}

type Summary = { state?: string; tasks?: Record<string, string> };

/** States of the job and its tasks (by key) as the audit log alone tells them; every event must begin where the last one ended. */
async function foldAudit({ sql }: Setup, { id, tasks }: NewJob): Promise<Record<string, string>> {
  const keyOf = new Map([[id, 'job'], ...tasks.map((task) => [task.id, task.key] as const)]);
  const events = await sql<{ entity_id: string; action: string; before: Summary | null; after: Summary }[]>`
    SELECT entity_id, action, before, after FROM audit_events
    WHERE entity_id = ANY(${[...keyOf.keys()]}) AND action <> 'job.create' ORDER BY id`;
  const folded: Record<string, string> = Object.fromEntries([...keyOf.values()].map((key) => [key, 'PENDING']));
  for (const { entity_id, action, before, after } of events) {
    const states = (summary: Summary | null) => ({
      ...(summary?.state === undefined ? {} : { [keyOf.get(entity_id) ?? '']: summary.state }),
      ...summary?.tasks,
    });
    expect({ action, states: { ...folded, ...states(before) } }).toEqual({ action, states: folded });
    Object.assign(folded, states(after));
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
      fc.array(operation, { minLength: 5, maxLength: 40 }),
      needs,
      fc.tuple(fc.boolean(), fc.boolean()),
      async (operations, needsOf, halts) => {
        await sql`DELETE FROM leases`;
        const jobs = [await addJob(setup, needsOf, halts[0]), await addJob(setup, needsOf, halts[1])];
        const claims: ClaimedTask[] = [];
        for (const operation of operations) {
          await perform(setup, jobs, claims, operation);
          const [live] = await sql`
            SELECT count(*)::int AS leases, count(*) FILTER (WHERE access = 'act')::int AS acting FROM leases WHERE expires_at > now()`;
          if (live?.['acting'] > 0) expect(live).toEqual({ leases: 1, acting: 1 });
        }
        for (const job of jobs) expect(await actualStates(setup, job)).toEqual(await foldAudit(setup, job));
        expect(claims.map(({ fence }) => fence)).toEqual(claims.map(({ fence }) => fence).sort((a, b) => a - b));
      },
    ),
    { numRuns: 25 },
  );
});
