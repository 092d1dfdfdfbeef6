import {
  type ConcurrentEnd,
  lockedOutcome,
  readTableOf,
  runConcurrentText,
  runOnTable,
  shortAttempts,
  statementKind,
} from '@slacktide/acting';
import type { PlannedStep, StepOutcome } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { readNow } from './look-again.ts';
import type { Run, StepData } from './step-data.ts';

/** Whoever reads the partition waits behind us. */
const lockLimitMs = 5_000;
type NotDone = Exclude<StepOutcome, { readonly kind: 'done' }>;

/** Builds and attaches what a partitioned index lacks, as the check proposes. What was done before a failure stays, and the next run goes on. */
export async function completeWhole(step: PlannedStep, data: StepData, run: Run): Promise<StepOutcome> {
  const settle =
    data.rollback_sql.length === 0
      ? undefined
      : await run.rollbackPoint({
          object: step.key,
          summary: `Parts of ${step.key} that were built and not attached are dropped`,
          statements: data.rollback_sql,
        });
  const done: string[] = [];
  for (const statement of step.statements) {
    const notDone = await send(statement, step, data, run);
    if (notDone !== null) {
      await settle?.(done.length === 0 ? 'void' : 'armed');
      return withDone(notDone, done);
    }
    done.push(statement);
  }
  // Attached, its parts go with the whole alone.
  await settle?.('void');
  const complete = (await readNow(run, data.oid))?.valid === true;
  return { kind: 'done', result: { work: 'complete', class: data.class, statements: done, complete } };
}

/** Null = done. */
async function send(statement: string, step: PlannedStep, data: StepData, run: Run): Promise<NotDone | null> {
  const kind = statementKind(statement);
  if (kind.kind === 'concurrent') {
    return failureOf(await runConcurrentText(run, statement, kind, step.key, run.config), statement);
  }
  const attached = / ATTACH PARTITION (.+)$/s.exec(statement)?.[1];
  const table = attached === undefined ? undefined : await readTableOf(run.observer, attached);
  const tableOid = table?.oid ?? data.table_oid;
  const ran = await runOnTable(run, { tableOid, statement, lock: 'ACCESS EXCLUSIVE', ...shortAttempts(lockLimitMs) });
  if (ran.kind === 'ran') return null;
  const outcome = lockedOutcome(step, ran);
  if (outcome.kind === 'done') throw new Error('expected a lock that was not had to be no success');
  return outcome;
}

function failureOf(end: ConcurrentEnd | undefined, statement: string): NotDone | null {
  if (end === undefined) {
    const message = `what it is about is not there any more: ${statement.slice(0, 200)}`;
    return { kind: 'failed', error: { code: 'changed', message } };
  }
  return end.kind === 'done' ? null : end;
}

function withDone(notDone: NotDone, done: readonly string[]): NotDone {
  if (done.length === 0) return notDone;
  if (notDone.kind === 'skipped') return { ...notDone, result: { ...notDone.result, done: [...done] } };
  const detail = { ...(notDone.error.detail as JsonObject | undefined), done: [...done] };
  return { kind: 'failed', error: { ...notDone.error, detail } };
}
