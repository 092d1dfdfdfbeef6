import { lockedOutcome, runOnTable, shortAttempts, type TableLock } from '@slacktide/acting';
import { type PlannedStep, type StepOutcome, TargetError } from '@slacktide/application/ports';
import type { JsonObject, TaskError } from '@slacktide/domain';
import { type Built, buildIndex } from './build-index.ts';
import { readCompleteness, readStepState, type StepState } from './index-state.ts';
import { type Run, readStepData, type StepData } from './step-data.ts';
import { wholeRemnant } from './whole-remnant.ts';

/** Whoever comes after us waits as well: longer than this the table is not asked for. */
const lockLimitMs = 5_000;

type Failed = Exclude<StepOutcome, { readonly kind: 'done' }>;

/** Looks again, makes or rebuilds the index, attaches it, and believes the catalogue alone. */
export async function runCreateStep(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const data = readStepData(step);
  const before = await readStepState(run.observer, data);
  const refusal = refusalOf(before, step, data);
  if (refusal !== null) return refusal;
  const statements = [...step.statements];
  const attach = data.parent === null ? undefined : statements.pop();
  const [statement] = statements;
  let made: JsonObject = {};
  let settle = async (_attached: boolean): Promise<void> => undefined;
  if (statement !== undefined) {
    const make = data.work === 'whole' ? makeWhole : buildIndex;
    const built = await make(statement, step, data, run);
    if (built.kind !== 'done') return built;
    made = built.result;
    settle = built.settle;
  }
  const failed = attach === undefined ? null : await runShortly(attach, 'ACCESS EXCLUSIVE', step, data, run);
  await settle(attach !== undefined && failed === null);
  return failed === null ? await verify(step, data, run, made) : withMade(failed, made);
}

/** What changed since the plan was made, or was never allowed. */
function refusalOf(now: StepState, step: PlannedStep, data: StepData): StepOutcome | null {
  if (now.table !== data.table)
    return { kind: 'skipped', reason: now.table === null ? 'table_gone' : 'replaced_since_planned' };
  const lacking = now.permitted ? data.notPermitted : [{ table: data.table, grant: now.grant }];
  if (lacking.length > 0) return notPermitted(lacking);
  if (data.parent !== null && !now.parentThere) {
    return fail({
      code: 'parent_missing',
      message: `${data.parent}, which ${step.key} is to be attached to, is not there`,
    });
  }
  const makes = data.work === 'build' || data.work === 'whole';
  if (makes && now.oid !== null) return { kind: 'skipped', reason: 'name_taken_since_planned' };
  if (!makes && (now.oid !== step.object.oid || !now.isOwn))
    return { kind: 'skipped', reason: 'replaced_since_planned' };
  return null;
}

function notPermitted(lacking: StepData['notPermitted']): StepOutcome {
  const tables = lacking.map(({ table }) => table).join(', ');
  const grants = [...new Set(lacking.flatMap(({ grant }) => grant ?? []))].join('; ');
  const message = `the role may not make an index on ${tables}; cure: ${grants || 'only a superuser may'}`;
  return fail({ code: 'insufficient_privilege', message, detail: { grant: grants || null } });
}

/** A partitioned index without its parts: nothing is read, but writers of the table wait for an instant. */
async function makeWhole(statement: string, step: PlannedStep, data: StepData, run: Run): Promise<Built> {
  const settle =
    data.parent === null
      ? await run.rollbackPoint({
          object: step.key,
          summary: `Partitioned index ${step.key} and all its parts are dropped${data.restore.length === 0 ? '' : '; those that were there before are made again'}`,
          statements: [`DROP INDEX IF EXISTS ${step.key}`, ...data.restore],
        })
      : undefined;
  const close = await run.remnant(await wholeRemnant(run.session, step, data));
  const failed = await runShortly(statement, 'SHARE', step, data, run).catch(async (error: unknown) => {
    if (error instanceof TargetError && error.code !== 'session_lost') await close('absent', error.message);
    throw error;
  });
  await close('absent', failed === null ? 'the statement ended with success' : 'it was not begun');
  await settle?.(failed === null ? 'armed' : 'void');
  if (failed !== null) return failed;
  const after = await readStepState(run.observer, data);
  return { kind: 'done', result: { index_oid: after.oid, built: true }, settle: async () => undefined };
}

/** Null = done. */
async function runShortly(
  statement: string,
  lock: TableLock,
  step: PlannedStep,
  { tableOid }: StepData,
  run: Run,
): Promise<Failed | null> {
  const ran = await runOnTable(run, { tableOid, statement, lock, ...shortAttempts(lockLimitMs) });
  if (ran.kind === 'ran') return null;
  const outcome = lockedOutcome(step, ran);
  if (outcome.kind === 'done') throw new Error('expected a lock that was not had to be no success');
  return outcome;
}

/** What was built is there, although it is not attached: the next run attaches it. */
function withMade(failed: Failed, made: JsonObject): StepOutcome {
  if (failed.kind !== 'failed' || made['built'] !== true) return failed;
  const { error } = failed;
  return fail({ ...error, detail: { ...(error.detail as JsonObject | undefined), made } });
}

async function verify(step: PlannedStep, data: StepData, run: Run, made: JsonObject): Promise<StepOutcome> {
  const after = await readStepState(run.observer, data);
  const wrong = whatIsWrong(after, data);
  if (wrong !== null)
    return fail({ code: 'not_verified', message: `the work on ${step.key} ended with success, but ${wrong}` });
  const result = { work: data.work, ...made, attached_to: after.attachedTo, makes_redundant: [...data.makesRedundant] };
  if (!data.isLast || data.rootIndex === null) return { kind: 'done', result };
  const { usable, missing } = await readCompleteness(run.observer, data.rootOid, data.rootIndex);
  if (usable) return { kind: 'done', result: { ...result, complete: true } };
  const lacks = missing.length === 0 ? 'nothing is lacking' : `without a part: ${missing.slice(0, 20).join(', ')}`;
  return fail({
    code: 'incomplete',
    message: `${data.rootIndex} is not valid yet (${lacks}); another run goes on where this one stopped`,
    detail: { missing: missing.slice(0, 100), made },
  });
}

function whatIsWrong(after: StepState, { work, parent }: StepData): string | null {
  if (after.oid === null || !after.isOwn) return 'there is no index of this name on the table';
  if (work !== 'whole' && work !== 'attach' && !after.usable) return 'the index is not valid';
  return parent !== null && after.attachedTo !== parent ? `it is not attached to ${parent}` : null;
}

function fail(error: TaskError): StepOutcome {
  return { kind: 'failed', error };
}
