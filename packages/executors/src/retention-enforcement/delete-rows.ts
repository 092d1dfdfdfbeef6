import { setTimeout as sleep } from 'node:timers/promises';
import { type PlannedStep, type StepOutcome, type StepRun, TargetError } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { Archive, ExportError } from './archive.ts';
import { deleteBatch, readPlaces } from './batches.ts';
import { writingSql } from './export-partition.ts';
import { readFanOut } from './foreign-keys.ts';
import { readLeaf } from './leaves.ts';
import { grantsOf } from './plan-deletes.ts';
import type { RetentionConfig } from './schema.ts';
import { type DeleteData, deleteDataOf } from './step-data.ts';

type Run = StepRun<RetentionConfig>;
/** Why it ended before everything was deleted. */
type Stopped = 'max_rows' | 'load' | 'dead_rows';

/** Rows are skipped, not waited for; this is for locks on the table, and on rows of referencing tables. */
const lockTimeoutMs = 1_000;
const deadRowsPollMs = 1_000;

interface Tally {
  rows: number;
  batches: number;
  stopped: Stopped | null;
}

/** Deletes expired rows of one table in batches, each a transaction of its own: whatever stops it, whole batches are gone and the next run goes on. */
export async function deleteRows(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const data = deleteDataOf(step);
  const notNow = await whyNotNow(step, data, run);
  if (notNow !== null) return notNow;
  const startedAtMs = performance.now();
  const tally: Tally = { rows: 0, batches: 0, stopped: null };
  let archive: Archive | null = null;
  const keepEffect = (): Promise<void> => effectOf(step, data, tally, Math.round(performance.now() - startedAtMs), run);
  try {
    if (data.export_to !== null) {
      await run.session.query(writingSql);
      archive = await Archive.create(data.export_to, step.key, new Date());
    }
    await run.session.query(`SELECT set_config('lock_timeout', $1, false)`, [`${lockTimeoutMs}ms`]);
    await deleteAll(step, data, tally, archive, run);
    await archive?.complete({ of: step.key, column: data.column, cutoff: data.cutoff });
    if (tally.rows === 0) await archive?.discard();
  } catch (error) {
    // What was deleted is in the file, and stays there.
    await (tally.rows === 0 && !isLost(error) ? archive?.discard() : archive?.abandon());
    if (tally.rows > 0) await keepEffect().catch(() => undefined);
    return failureOf(error, step, tally, archive);
  }
  if (tally.rows > 0) await keepEffect();
  const [left] = await run.observer.query<{ rows: number }>(data.left_sql, [data.cutoff, ...data.hold_parameters]);
  const result: JsonObject = {
    deleted_rows: tally.rows,
    batches: tally.batches,
    stopped: tally.stopped,
    // Locked, or still referred to; or simply more than one run may delete.
    left_rows: left?.rows ?? null,
    export: archive === null || tally.rows === 0 ? null : { ...archive.exported },
    duration_ms: Math.round(performance.now() - startedAtMs),
  };
  if (tally.rows > 0) return { kind: 'done', result };
  return {
    kind: 'skipped',
    reason: tally.stopped ?? (result['left_rows'] === 0 ? 'nothing_expired' : 'locked_or_referenced'),
    result,
  };
}

async function whyNotNow(step: PlannedStep, data: DeleteData, run: Run): Promise<StepOutcome | null> {
  const leaf = await readLeaf(run.observer, data.table_oid, data.column);
  if (leaf === undefined || leaf.quoted !== step.key) return { kind: 'skipped', reason: 'table_gone' };
  const fanOut = await readFanOut(
    run.observer,
    leaf.oid,
    { from: leaf.quoted, condition: 'true', parameters: [] },
    null,
  );
  const keys = (entries: readonly [number, string][]): string => JSON.stringify(entries.toSorted(([a], [b]) => a - b));
  const isSame =
    keys(fanOut.map(({ oid, onDelete }) => [oid, onDelete])) ===
    keys(data.fan_out.map(({ constraint_oid, on_delete }) => [constraint_oid, on_delete]));
  if (!isSame || leaf.hasDeleteRule || leaf.rowSecurity) return { kind: 'skipped', reason: 'changed_since_planned' };
  const grants = grantsOf({ grant: leaf.grant, fanOut });
  if (grants.length === 0) return null;
  const grant = grants.join('; ');
  const message = `the role may not delete from ${step.key}; cure: ${grant}`;
  return { kind: 'failed', error: { code: 'insufficient_privilege', message, detail: { grant } } };
}

async function deleteAll(
  step: PlannedStep,
  data: DeleteData,
  tally: Tally,
  archive: Archive | null,
  run: Run,
): Promise<void> {
  const statement = step.statements.find((text) => text !== 'BEGIN' && text !== 'COMMIT') ?? '';
  for (const place of await readPlaces(data, run)) {
    let from = place.from;
    for (;;) {
      run.signal.throwIfAborted();
      const limit = Math.min(data.batch_rows, data.max_rows - tally.rows);
      const batch = await deleteBatch(statement, data, { ...place, from }, limit, archive, run);
      if (batch.rows > 0) {
        tally.rows += batch.rows;
        tally.batches += 1;
        // By the index it goes on behind what is gone; within blocks there is nothing to go by.
        if (!data.scan && batch.last !== null) from = batch.last;
        tell(data, tally, run);
        tally.stopped = await whetherToStop(data, tally, run);
        if (tally.stopped !== null) return;
      }
      if (batch.rows < limit) break;
    }
  }
}

function tell({ rows, max_rows }: DeleteData, tally: Tally, run: Run): void {
  const total = typeof rows === 'number' ? Math.min(rows, max_rows) : null;
  const percent = total === null || total === 0 ? null : Math.min(100, Math.floor((100 * tally.rows) / total));
  run.progress({ phase: 'deleting', percent, etaSeconds: null });
}

async function whetherToStop({ max_rows, table_oid }: DeleteData, tally: Tally, run: Run): Promise<Stopped | null> {
  if (tally.rows >= max_rows) return 'max_rows';
  if ((await run.breathe()) === 'overloaded') return 'load';
  const { pause_dead_rows: most, throttle } = run.config;
  if (most === null) return null;
  const startedAtMs = performance.now();
  for (;;) {
    const [now] = await run.observer.query<{ dead: number }>(
      'SELECT pg_stat_get_dead_tuples($1::oid)::float8 AS dead',
      [table_oid],
    );
    if ((now?.dead ?? 0) <= most) return null;
    if (performance.now() - startedAtMs >= throttle.max_pause_seconds * 1_000) return 'dead_rows';
    run.progress({ phase: 'waiting for VACUUM', percent: null, etaSeconds: null });
    await sleep(deadRowsPollMs, undefined, { signal: run.signal });
  }
}

async function effectOf(
  step: PlannedStep,
  data: DeleteData,
  tally: Tally,
  durationMs: number,
  run: Run,
): Promise<void> {
  await run.effect({
    action: 'retention',
    object: step.key,
    objectKind: 'table',
    durationMs,
    sizeBeforeBytes: step.sizeBytes,
    // Deleting gives nothing back: VACUUM does.
    sizeAfterBytes: step.sizeBytes,
    wasteBeforePercent: null,
    wasteAfterPercent: null,
    detail: { rows: tally.rows, batches: tally.batches, method: 'delete', cutoff: data.cutoff },
  });
}

function failureOf(error: unknown, step: PlannedStep, tally: Tally, archive: Archive | null): StepOutcome {
  const detail = {
    deleted_rows: tally.rows,
    batches: tally.batches,
    export: archive === null || tally.rows === 0 ? null : { ...archive.exported },
  };
  if (error instanceof ExportError) {
    const message = `nothing more was deleted from ${step.key}: ${error.message}`;
    return { kind: 'failed', error: { code: 'export_failed', message, detail } };
  }
  if (!(error instanceof TargetError) || isLost(error) || error.code === 'cancelled') throw error;
  const message = `${step.key}, after ${tally.rows} rows were deleted: ${error.message}`;
  return { kind: 'failed', error: { code: error.code, message, detail: { ...detail, sql_state: error.sqlState } } };
}

function isLost(error: unknown): boolean {
  return error instanceof TargetError && error.code === 'session_lost';
}
