import type { Schedule, SkipReason } from '@slacktide/domain';
import { jobCreated } from '../job/job-audit.ts';
import type { AuditEntry, LedgerTransaction, RequestContext } from '../ports/index.ts';
import { dueTicksOf, settleTicks } from './tick-jobs.ts';
import { tickTrace } from './tick-trace.ts';

/**
 * Gives ticks that are due, but not fired yet, their rows before the schedule they belong to is changed or gone: fired as the schedule was, or
 * SKIPPED for the reason `instead`. The schedule must be locked; moving it on is the caller's. Returns what the audit log is to be told.
 */
export async function settleDueTicks(
  tx: LedgerTransaction,
  ctx: RequestContext,
  schedule: Schedule,
  instead?: SkipReason,
): Promise<readonly AuditEntry[]> {
  const now = await tx.now();
  if (schedule.nextDueAt === null || schedule.nextDueAt > now) return [];
  const [due] = await tx.ticks.facts([schedule]);
  if (due === undefined) return [];
  const { jobs, audit } = settleTicks(due, dueTicksOf(due, now), {
    now,
    trace: tickTrace(schedule.id, schedule.nextDueAt, ctx),
    requestedBy: ctx.actor.name,
    ...(instead === undefined ? {} : { instead }),
  });
  const made = await tx.ticks.write({ jobs, advances: [] });
  const entries = jobs.filter(({ id }) => made.has(id)).map((job) => ({ ...jobCreated(job), traceId: job.traceId }));
  return [audit, ...entries];
}
