import { runConcurrently } from '@slacktide/acting';
import type { PlannedStep, StepOutcome } from '@slacktide/application/ports';
import type { JsonObject, TaskError } from '@slacktide/domain';
import { readStepState, type StepState } from './index-state.ts';
import type { Run, StepData } from './step-data.ts';

const uniqueViolation = '23505';

export type Built =
  /** `settle` says whether what was built can be taken back by itself: attached, it goes with the whole alone. */
  | { readonly kind: 'done'; readonly result: JsonObject; readonly settle: (attached: boolean) => Promise<void> }
  | Exclude<StepOutcome, { readonly kind: 'done' }>;

/** CREATE or REINDEX INDEX CONCURRENTLY behind the gate, with the way back written down before. */
export async function buildIndex(statement: string, step: PlannedStep, data: StepData, run: Run): Promise<Built> {
  const rebuilds = data.work === 'rebuild';
  // What was there before is not taken away by taking back.
  const settle = rebuilds
    ? undefined
    : await run.rollbackPoint({
        object: step.key,
        summary: `Index ${step.key} on ${data.table} is dropped`,
        statements: [`DROP INDEX CONCURRENTLY IF EXISTS ${step.key}`],
      });
  const work = {
    operation: rebuilds ? 'reindex' : 'create',
    statement,
    tableOid: data.tableOid,
    schema: data.schema,
    index: data.name,
    step: step.key,
  } as const;
  const end = await runConcurrently(run, work, run.config);
  if (end.kind === 'skipped') {
    await settle?.('void');
    return end;
  }
  const after = await readStepState(run.observer, data);
  if (end.kind === 'failed') {
    await settle?.(after.oid === null ? 'void' : 'armed');
    return { kind: 'failed', error: explain(end.error, step, data) };
  }
  if (!after.usable || !after.isOwn) return notVerified(statement);
  await keepEffect(step, data, run, after, end.durationMs);
  return {
    kind: 'done',
    result: {
      built: !rebuilds,
      index_oid: after.oid,
      size_bytes: after.sizeBytes,
      duration_ms: end.durationMs,
      gate: end.gate,
    },
    settle: async (attached) => await settle?.(attached ? 'void' : 'armed'),
  };
}

async function keepEffect(
  { key }: PlannedStep,
  { work, table }: StepData,
  run: Run,
  { sizeBytes }: StepState,
  durationMs: number,
): Promise<void> {
  await run.effect({
    action: work === 'rebuild' ? 'reindex' : 'create_index',
    object: key,
    objectKind: 'index',
    durationMs,
    sizeBeforeBytes: null,
    sizeAfterBytes: sizeBytes,
    wasteBeforePercent: null,
    wasteAfterPercent: null,
    detail: { table },
  });
}

function notVerified(statement: string): Built {
  const message = `${statement.slice(0, 200)} ended with success, but the catalogue shows no valid index`;
  return { kind: 'failed', error: { code: 'not_verified', message } };
}

/** The server's message names the index, and no value of any row. */
function explain(error: TaskError, { key }: PlannedStep, { table, unique }: StepData): TaskError {
  const detail = error.detail as { sql_state?: string } | undefined;
  if (!unique || detail?.sql_state !== uniqueViolation) return error;
  const message = `${key} cannot be unique: rows of ${table} have the same key. The server said: ${error.message}`;
  return { ...error, code: 'duplicate_keys', message };
}
