import { dueTicks, type Schedule, type SkipReason } from '@slacktide/domain';
import type { Deps } from '../deps.ts';
import { jobCreated } from '../job/job-audit.ts';
import { addJob, newJob } from '../job/new-job.ts';
import { seededIdBytes } from '../job/seeded-id-bytes.ts';
import type { AuditEntry, LedgerTransaction, NewJob, RequestContext } from '../ports/index.ts';
import { selectTargets } from '../schedule/select-targets.ts';

/** What a timer's wake-up led to. */
export type FiredTicks =
  | {
      readonly kind: 'fired';
      readonly jobs: number;
      readonly latenessSeconds: number /** Types of the tasks that were born SKIPPED. */;
      readonly neverStarted: readonly string[];
    }
  /** The timer was early by the ledger's clock. */
  | { readonly kind: 'not_due'; readonly dueInMs: number }
  /** Disabled, deleted, or every firing already has its rows. */
  | { readonly kind: 'nothing' };

/**
 * Writes what is due of a schedule, by the ledger's clock: the timer only wakes us, so a forged, doubled or early one has no
 * effect (law 4). One job for each target of the tick that runs, and one SKIPPED for each that was missed.
 */
export async function fireTicks(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  scheduleId: string,
): Promise<FiredTicks> {
  const early = await earlyBy(deps, scheduleId);
  if (early !== undefined) return early;
  return await deps.ledger.transaction<FiredTicks>(ctx, async (tx) => {
    const schedule = await tx.schedules.getForUpdate(scheduleId);
    const now = await tx.now();
    const due = schedule?.nextDueAt;
    if (!schedule?.enabled || due === null || due === undefined || due > now) {
      return {
        result: { kind: 'nothing' },
        audit: [{ action: 'schedule.tick', entity: 'schedule', entityId: scheduleId, reason: 'nothing due' }],
      };
    }
    const ticks = dueTicks({ schedule, now });
    const jobs = await jobsOf(tx, ctx, schedule, now, ticks);
    const created: NewJob[] = [];
    for (const job of jobs) if (await addJob(tx, job)) created.push(job);
    await tx.schedules.advance(scheduleId, {
      nextDueAt: ticks.nextDueAt,
      lastTickAt: ticks.run ?? ticks.missed.at(-1) ?? due,
    });
    const fired: AuditEntry = {
      action: 'schedule.tick',
      entity: 'schedule',
      entityId: scheduleId,
      before: { next_due_at: due.toISOString() },
      after: {
        next_due_at: ticks.nextDueAt?.toISOString() ?? null,
        jobs: created.length,
        missed: ticks.missed.length + ticks.leftOut.count,
      },
    };
    return {
      result: {
        kind: 'fired',
        jobs: created.length,
        neverStarted: created.flatMap(({ finishedAt, tasks }) =>
          finishedAt === null ? [] : tasks.map(({ type }) => type),
        ),
        latenessSeconds: (now.getTime() - (ticks.run ?? due).getTime()) / 1000,
      },
      audit: [fired, ...created.map(jobCreated)],
    };
  });
}

/** A look before the transaction: most early or doubled wake-ups end here, without a row in the audit log. */
async function earlyBy(deps: Pick<Deps, 'ledger'>, scheduleId: string): Promise<FiredTicks | undefined> {
  const schedule = await deps.ledger.schedules.get(scheduleId);
  if (!schedule?.enabled || schedule.nextDueAt === null) return { kind: 'nothing' };
  const dueInMs = schedule.nextDueAt.getTime() - (await deps.ledger.now()).getTime();
  return dueInMs > 0 ? { kind: 'not_due', dueInMs } : undefined;
}

async function jobsOf(
  tx: LedgerTransaction,
  ctx: RequestContext,
  schedule: Schedule,
  now: Date,
  ticks: { readonly run: Date | null; readonly missed: readonly Date[] },
): Promise<readonly NewJob[]> {
  const jobs: NewJob[] = [];
  for (const target of await selectTargets(tx.targets, schedule.targets)) {
    const jobAt = (scheduledFor: Date, skip?: SkipReason): NewJob =>
      newJob({
        trigger: 'schedule',
        scheduleId: schedule.id,
        targetId: target.id,
        tasks: schedule.tasks,
        haltOnTaskFailure: schedule.haltOnTaskFailure,
        window: schedule.window,
        scheduledFor,
        now,
        traceId: ctx.traceId,
        traceparent: ctx.traceparent,
        requestedBy: ctx.actor.name,
        ...(skip === undefined ? {} : { skip }),
        idBytes: seededIdBytes(schedule.id, target.id, scheduledFor.toISOString()),
      });
    jobs.push(...ticks.missed.map((at) => jobAt(at, 'missed')));
    if (ticks.run === null) continue;
    // A run that is still going must not be joined by the next: what users of every scheduler ask for first.
    const overlap = (await tx.jobs.findOpen(schedule.id, target.id)).length > 0;
    jobs.push(jobAt(ticks.run, overlap ? 'overlap' : undefined));
  }
  return jobs;
}
