import {
  lockedOutcome,
  runConcurrently,
  runOnTable,
  shortAttempts,
  type TableLock,
  warningsOf,
} from '@slacktide/acting';
import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import type { ReadyStatement } from './facts.ts';
import { type ReadRow, rowsResult } from './rows.ts';
import type { CustomConfig } from './schema.ts';
import { verifyIndex } from './verify-index.ts';

type Run = StepRun<CustomConfig>;

/** What a statement came to, or why it was not done. */
export type Sent =
  | { readonly kind: 'done'; readonly durationMs: number; readonly result: JsonObject }
  | { readonly kind: 'not_done'; readonly outcome: StepOutcome };

/** Sends one statement in the way that its kind needs. Rejects with TargetError. */
export async function send(
  step: PlannedStep,
  statement: ReadyStatement,
  values: readonly (string | null)[],
  run: Run,
): Promise<Sent> {
  const { judged, relation } = statement;
  if (judged.way === 'rows') return await sendForRows(statement, values, run);
  if (judged.way === 'change') return await sendForCount(statement, values, run);
  if (relation === null) return await sendPlain(statement, run);
  if (judged.concurrent !== undefined) return await sendConcurrently(step, statement, judged.concurrent, relation, run);
  return await sendOnTable(step, statement, relation.tableOid, run);
}

async function sendForRows(
  { text, bound }: ReadyStatement,
  values: readonly (string | null)[],
  run: Run,
): Promise<Sent> {
  const startedAtMs = performance.now();
  const read = await run.session.query<ReadRow>(text, values);
  const durationMs = Math.round(performance.now() - startedAtMs);
  // Rows may repeat what was bound.
  const isSecret = bound.some(({ secret }) => secret);
  const result = isSecret ? { rows: [], withheld: true } : rowsResult(read, run.config.max_rows);
  return { kind: 'done', durationMs, result };
}

async function sendForCount({ text }: ReadyStatement, values: readonly (string | null)[], run: Run): Promise<Sent> {
  const { durationMs, rowCount = null } = await run.session.execute(text, { parameters: values });
  return { kind: 'done', durationMs, result: { row_count: rowCount } };
}

async function sendPlain({ text, judged }: ReadyStatement, run: Run): Promise<Sent> {
  const { durationMs, notices } = await run.session.execute(text);
  return judged.way === 'vacuum' ? told(warningsOf(notices), durationMs) : { kind: 'done', durationMs, result: {} };
}

async function sendOnTable(
  step: PlannedStep,
  { text, judged }: ReadyStatement,
  tableOid: number,
  run: Run,
): Promise<Sent> {
  const limitMs = run.config.table_lock_seconds * 1_000;
  const isLight = judged.lockMode === 'SHARE UPDATE EXCLUSIVE';
  const lock: TableLock = isLight ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE';
  const attempts = isLight ? { attemptsMs: [limitMs], pauseMs: 0 } : shortAttempts(limitMs);
  const ran = await runOnTable(run, { tableOid, statement: text, lock, ...attempts });
  if (ran.kind === 'locked') return { kind: 'not_done', outcome: lockedOutcome(step, ran) };
  return judged.way === 'vacuum'
    ? told(warningsOf(ran.notices), ran.durationMs)
    : { kind: 'done', durationMs: ran.durationMs, result: {} };
}

/** VACUUM and ANALYZE end with success whatever they left out: only their warnings tell. */
function told(warnings: readonly string[], durationMs: number): Sent {
  if (warnings.length === 0) return { kind: 'done', durationMs, result: {} };
  const error = { code: 'skipped_by_server', message: warnings.join('; '), detail: { warnings } };
  return { kind: 'not_done', outcome: { kind: 'failed', error } };
}

async function sendConcurrently(
  step: PlannedStep,
  { text }: ReadyStatement,
  concurrent: NonNullable<ReadyStatement['judged']['concurrent']>,
  relation: NonNullable<ReadyStatement['relation']>,
  run: Run,
): Promise<Sent> {
  const { tableOid, schema } = relation;
  const { operation } = concurrent;
  // The name in the template may be a parameter's marker.
  const index = operation === 'create' ? concurrent.index : relation.name;
  const work = { operation, statement: text, tableOid, schema, index, step: step.key };
  const end = await runConcurrently(run, work, run.config);
  if (end.kind === 'failed') return { kind: 'not_done', outcome: end };
  if (end.kind === 'skipped') {
    const message =
      end.reason === 'blocked' ? 'older transactions are in the way' : 'an earlier rebuild left something behind';
    const error = { code: end.reason, message, detail: end.result };
    return { kind: 'not_done', outcome: { kind: 'failed', error } };
  }
  const wrong = await verifyIndex(run.observer, operation, schema, index);
  if (wrong !== null)
    return { kind: 'not_done', outcome: { kind: 'failed', error: { code: 'not_verified', message: wrong } } };
  return { kind: 'done', durationMs: end.durationMs, result: { gate: end.gate } };
}
