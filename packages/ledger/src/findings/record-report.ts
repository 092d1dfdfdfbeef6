import { randomBytes } from 'node:crypto';
import { checkModule } from '@slacktide/application';
import type { ClaimedTask } from '@slacktide/application/ports';
import {
  type CheckName,
  type CheckReport,
  checkSignal,
  findingState,
  type JsonObject,
  type ReconciledFindings,
  reconcileFindings,
  timeOrderedId,
} from '@slacktide/domain';
import { writeAudit } from '../audit/write-audit.ts';
import { upsertSignal } from '../signals/signal-rows.ts';
import type { LedgerPool, LedgerSql } from '../sql.ts';
import { holdTask } from '../task-executions/held-task.ts';
import { retryDeadlocks } from '../task-executions/retry-deadlocks.ts';
import { findingEvents } from './finding-events.ts';
import { keepRun } from './keep-run.ts';
import { selectKnown } from './select-known.ts';
import { writeFindings } from './write-findings.ts';

/** A day's check and what it may be late; then nobody runs it any more, and what it said lapses. */
const signalLifeSeconds = 26 * 3_600;

/** Writes a report and all that follows from it: everything or nothing, one report of a check on a target at a time. */
export async function recordReport(
  pool: LedgerPool,
  claimed: ClaimedTask,
  report: CheckReport,
  config: JsonObject,
): Promise<boolean> {
  return await retryDeadlocks(() => pool.begin((tx) => recordIn(tx, claimed, report, config)));
}

async function recordIn(
  tx: LedgerSql,
  claimed: ClaimedTask,
  report: CheckReport,
  config: JsonObject,
): Promise<boolean> {
  const { job, target, task, workerId } = claimed;
  await takeTurn(tx, target.id, report.check);
  const at = await holdTask(tx, claimed);
  if (at === undefined) return false;
  const run = { targetId: target.id, check: report.check, taskId: task.id, at, config };
  const { opened, ...decided } = reconcileFindings(await selectKnown(tx, run, report.findings), report);
  const born = opened.map((found) => ({ id: timeOrderedId(at, randomBytes(10)), found }));
  await writeFindings(tx, run, { ...decided, born });
  const author = { actor: `worker:${workerId}`, traceId: job.traceId };
  await writeAudit(tx, author, findingEvents(run, { ...decided, born }));
  await keepRun(tx, run, report);
  const signal = checkSignal(target.name, report, openAfter({ opened, ...decided }));
  if (signal !== null) {
    await upsertSignal(tx, {
      module: checkModule(report.check, target.id),
      ...signal,
      lifeSeconds: signalLifeSeconds,
    });
  }
  return true;
}

/** Two reports of one check on one target, both new to a finding, must not both open it. */
async function takeTurn(tx: LedgerSql, targetId: string, check: CheckName): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(hashtext('slacktide.report'), hashtext(${`${check} ${targetId}`}))`;
}

/** What is open once the report is written, as it is told now. */
function openAfter({ opened, seenAgain, reopened, kept }: ReconciledFindings) {
  const again = [...seenAgain, ...reopened].filter(({ known }) => !known.isMuted).map(({ found }) => found);
  return [...opened, ...again, ...kept.filter((known) => findingState(known) === 'open')];
}
