import { type DueTicks, dueTicks, type SkipReason } from '@slacktide/domain';
import { newJob } from '../job/new-job.ts';
import { seededIdBytes } from '../job/seeded-id-bytes.ts';
import type { AuditEntry, DueSchedule, NewJob, ScheduleAdvance } from '../ports/index.ts';
import type { TickTrace } from './tick-trace.ts';

/** Jobs that missed ticks may make of one schedule, over all its targets: a fleet-wide schedule gets rows for fewer of them. */
const mostMissedJobs = 10_000;

/** What a schedule's due ticks make. */
export interface SettledTicks {
  readonly jobs: readonly NewJob[];
  readonly targets: number;
  readonly advance: ScheduleAdvance;
  readonly audit: AuditEntry;
  /** How late the oldest tick that runs is, by the ledger's clock; of the first due one when none runs. */
  readonly latenessSeconds: number;
}

/** How many missed ticks of a schedule for so many targets get rows: 100, fewer from 100 targets on, at least one. */
export function missedLimit(targetCount: number): number {
  return Math.max(1, Math.min(100, Math.floor(mostMissedJobs / Math.max(1, targetCount))));
}

/**
 * Makes a job for each target of each due tick, the missed ones born SKIPPED. `instead` = the ticks that would run are SKIPPED for this
 * reason. Ids are made of schedule, target and due time: the same tick gives the same jobs, whoever fires it.
 */
export function settleTicks(
  due: DueSchedule,
  ticks: DueTicks,
  context: {
    readonly now: Date;
    readonly trace: TickTrace;
    readonly requestedBy: string;
    readonly instead?: SkipReason;
  },
): SettledTicks {
  const { schedule, targets } = due;
  const { now, trace } = context;
  const firstDueAt = schedule.nextDueAt ?? now;
  const jobs = targets.flatMap((target) => jobsOnTarget(due, ticks, target, context));
  const { runs, missed, leftOut, nextDueAt } = ticks;
  const lastTickAt = runs.at(-1) ?? missed.at(-1) ?? firstDueAt;
  return {
    jobs,
    targets: targets.length,
    advance: { scheduleId: schedule.id, nextDueAt, lastTickAt },
    audit: {
      action: 'schedule.tick',
      entity: 'schedule',
      entityId: schedule.id,
      traceId: trace.traceId,
      // The tick of a schedule without targets has no job to tell of it.
      ...(targets.length === 0 ? { reason: 'no target' } : {}),
      before: { next_due_at: firstDueAt.toISOString() },
      after: {
        next_due_at: nextDueAt?.toISOString() ?? null,
        targets: targets.length,
        runs: runs.map((at) => at.toISOString()),
        missed: missed.length + leftOut.count,
        left_out: leftOut.count,
      },
    },
    latenessSeconds: (now.getTime() - (runs[0] ?? firstDueAt).getTime()) / 1000,
  };
}

/** The due ticks of a schedule by its own policy, with rows for as many missed ones as its targets allow. */
export function dueTicksOf({ schedule, targets }: DueSchedule, now: Date): DueTicks {
  return dueTicks({ schedule, now, limit: missedLimit(targets.length) });
}

/**
 * The jobs of one target. Overlap: `skip` leaves ticks out while an earlier job is open, `queue` has each wait for the one before, `allow`
 * lets them run beside each other. Ticks of `run_all` that are caught up with together are no overlap of each other: under
 * `skip`, too, they run one after the other.
 */
function jobsOnTarget(
  { schedule }: DueSchedule,
  ticks: DueTicks,
  target: DueSchedule['targets'][number],
  { now, trace, requestedBy, instead }: Parameters<typeof settleTicks>[2],
): readonly NewJob[] {
  const jobAt = (scheduledFor: Date, skip: SkipReason | undefined, afterJobId: string | null): NewJob =>
    newJob({
      trigger: 'schedule',
      scheduleId: schedule.id,
      targetId: target.id,
      tasks: schedule.tasks,
      haltOnTaskFailure: schedule.haltOnTaskFailure,
      window: schedule.window,
      scheduledFor,
      now,
      ...trace,
      requestedBy,
      afterJobId,
      ...(skip === undefined ? {} : { skip }),
      idBytes: seededIdBytes(schedule.id, target.id, scheduledFor.toISOString()),
    });
  const { overlapPolicy } = schedule;
  const overlap = overlapPolicy === 'skip' && target.openJobId !== null ? ('overlap' as const) : undefined;
  const jobs = ticks.missed.map((at) => jobAt(at, 'missed', null));
  let latestOpenId = target.openJobId;
  for (const at of ticks.runs) {
    const skip = instead ?? overlap;
    const job = jobAt(at, skip, skip !== undefined || overlapPolicy === 'allow' ? null : latestOpenId);
    if (job.finishedAt === null) latestOpenId = job.id;
    jobs.push(job);
  }
  return jobs;
}
