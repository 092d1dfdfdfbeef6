import { lockedOutcome, runOnTable } from '@slacktide/acting';
import { type PlannedStep, type StepOutcome, type StepRun, TargetError } from '@slacktide/application/ports';
import { readConstraint } from './constraints.ts';
import type { SchemaValidationConfig } from './schema.ts';

/** Rows break it: not null, foreign key, check. */
const violated = ['23502', '23503', '23514'];

/** VALIDATE CONSTRAINT, verified by the catalogue. Reads and writes of the table go on meanwhile. */
export async function validateConstraint(
  step: PlannedStep,
  run: StepRun<SchemaValidationConfig>,
): Promise<StepOutcome> {
  const [statement] = step.statements;
  const { oid: tableOid } = step.object;
  const constraintOid = Number(step.data['constraint_oid']);
  if (statement === undefined || tableOid === null) throw new Error(`expected a table and a statement in ${step.key}`);
  if ((await run.breathe()) === 'overloaded') return { kind: 'skipped', reason: 'load' };
  const before = await readConstraint(run.observer, constraintOid);
  if (before === undefined || before.quoted !== step.key) return { kind: 'skipped', reason: 'constraint_gone' };
  if (before.validated) return { kind: 'skipped', reason: 'already_valid' };
  if (!before.permitted) return notPermitted(step.key, before.grant);
  const attemptMs = run.config.lock_timeout_seconds * 1000;
  const on = { tableOid, statement, lock: 'SHARE UPDATE EXCLUSIVE', attemptsMs: [attemptMs], pauseMs: 0 } as const;
  const startedMs = performance.now();
  try {
    const ran = await runOnTable(run, on);
    if (ran.kind === 'locked') return lockedOutcome(step, ran);
  } catch (error) {
    if (!(error instanceof TargetError) || !violated.includes(error.sqlState ?? '')) throw error;
    return rowsBreakIt(step.key, error.sqlState);
  }
  const after = await readConstraint(run.observer, constraintOid);
  if (after === undefined) return { kind: 'skipped', reason: 'constraint_gone' };
  if (!after.validated) return notVerified(step.key);
  const durationMs = Math.round(performance.now() - startedMs);
  await run.effect({
    action: 'validate',
    object: step.key,
    objectKind: 'table',
    durationMs,
    sizeBeforeBytes: before.sizeBytes,
    sizeAfterBytes: after.sizeBytes,
    wasteBeforePercent: null,
    wasteAfterPercent: null,
    detail: {},
  });
  return { kind: 'done', result: { validated: true, duration_ms: durationMs } };
}

function notPermitted(key: string, grant: string | null): StepOutcome {
  const message = `only the owner of its table may validate ${key}; cure: ${grant}`;
  return { kind: 'failed', error: { code: 'insufficient_privilege', message, detail: { grant } } };
}

/** The server's own message may hold values of a row. */
function rowsBreakIt(key: string, sqlState: string | null): StepOutcome {
  const message = `rows break ${key}: its finding says how to find them; correct or remove them first`;
  return { kind: 'failed', error: { code: 'constraint_violated', message, detail: { sql_state: sqlState } } };
}

function notVerified(key: string): StepOutcome {
  const message = `VALIDATE of ${key} ended with success, but the catalogue says that it is not valid`;
  return { kind: 'failed', error: { code: 'not_verified', message } };
}
