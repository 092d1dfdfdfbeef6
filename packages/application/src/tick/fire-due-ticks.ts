import type { DueTicks } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import { failpoint } from '../failpoint/index.ts';
import { jobCreated } from '../job/job-audit.ts';
import type { DueSchedule, RequestContext } from '../ports/index.ts';
import { dueTicksOf, type SettledTicks, settleTicks } from './tick-jobs.ts';
import { type TickTrace, tickTrace } from './tick-trace.ts';

/** What became of one schedule's due ticks. */
export interface FiredTick {
  readonly scheduleId: string;
  readonly targets: number;
  /** Jobs that were written. */
  readonly jobs: number;
  /** Types of the tasks that were born SKIPPED. */
  readonly neverStarted: readonly string[];
  readonly latenessSeconds: number;
  readonly traceId: string;
}

/** What one batch led to. */
export interface FiredBatch {
  readonly fired: readonly FiredTick[];
  /** Schedules whose ticks could not be worked out or written; they stay due. */
  readonly failed: readonly { readonly scheduleId: string; readonly error: Error }[];
  /** There may be more that is due, and asking again is of use. */
  readonly more: boolean;
}

export interface FireOptions {
  /** None but these. */
  readonly only?: readonly string[];
  /** The trace of the timer that woke us for a schedule; without one its tick gets a trace of its own. */
  readonly traceOf?: (scheduleId: string) => TickTrace | undefined;
}

/** Jobs of one transaction, beyond which no further schedule is taken into it. */
const enoughJobs = 5_000;

/**
 * Writes what is due of up to `limit` schedules by the ledger's clock, the longest due first, in one transaction of few statements. A timer
 * only wakes us, so a forged, doubled or early one has no effect (law 4). Schedules that others hold are left to them, so any
 * number of dispatchers share the work. One schedule that cannot be written does not keep the others from it: the batch is halved until
 * it stands alone.
 *
 * @throws AppError `ledger_unavailable`
 */
export async function fireDueTicks(
  deps: Pick<Deps, 'ledger' | 'taskTypes'>,
  ctx: RequestContext,
  limit: number,
  options: FireOptions = {},
): Promise<FiredBatch> {
  const taken: string[] = [];
  try {
    return await fireBatch(deps, ctx, limit, options, taken);
  } catch (error) {
    const [first, ...rest] = taken;
    if (isUnavailable(error) || first === undefined) throw error;
    if (rest.length === 0) return { fired: [], failed: [{ scheduleId: first, error: toError(error) }], more: false };
    const middle = Math.ceil(taken.length / 2);
    const half = (only: readonly string[]) => fireDueTicks(deps, ctx, only.length, { ...options, only });
    return together([await half(taken.slice(0, middle)), await half(taken.slice(middle))]);
  }
}

async function fireBatch(
  { ledger, taskTypes }: Pick<Deps, 'ledger' | 'taskTypes'>,
  ctx: RequestContext,
  limit: number,
  { only, traceOf }: FireOptions,
  taken: string[],
): Promise<FiredBatch> {
  const failed: { scheduleId: string; error: Error }[] = [];
  const fired: FiredTick[] = [];
  let more = false;
  // The ledger writes nothing without an audit entry: with nothing to fire the transaction ends here.
  const nothingFired = new Error('nothing fired');
  const work = ledger.transaction(ctx, async (tx) => {
    const due = await tx.ticks.lockDue(limit, only);
    taken.push(...due.map(({ schedule }) => schedule.id));
    more = due.length === limit;
    const now = await tx.now();
    const ticksOf = rememberingTicks(now);
    const settled: SettledTicks[] = [];
    let jobCount = 0;
    for (const each of due) {
      const { id, nextDueAt } = each.schedule;
      if (jobCount >= enoughJobs) {
        more = true;
        break;
      }
      const trace = traceOf?.(id) ?? tickTrace(id, nextDueAt ?? now, ctx);
      try {
        const off = each.schedule.tasks.some(({ type }) => taskTypes.isOff(type));
        const instead = off ? { instead: 'task_type_off' as const } : {};
        const ticks = settleTicks(each, ticksOf(each), { now, trace, requestedBy: ctx.actor.name, ...instead });
        settled.push(ticks);
        jobCount += ticks.jobs.length;
      } catch (error) {
        failed.push({ scheduleId: id, error: toError(error) });
      }
    }
    const made = await tx.ticks.write({
      jobs: settled.flatMap(({ jobs }) => jobs),
      advances: settled.map(({ advance }) => advance),
    });
    fired.push(...settled.map((ticks) => toFired(ticks, made)));
    const [first, ...rest] = settled.flatMap(({ audit, jobs }) => [
      audit,
      ...jobs.filter(({ id }) => made.has(id)).map((job) => ({ ...jobCreated(job), traceId: job.traceId })),
    ]);
    if (first === undefined) throw nothingFired;
    await failpoint('tick.before_commit');
    return { result: null, audit: [first, ...rest] };
  });
  await work.catch((error: unknown) => {
    if (error !== nothingFired) throw error;
  });
  await failpoint('tick.after_commit');
  return { fired, failed, more: more && fired.length > 0 };
}

/** Works out each rule once: thousands of schedules that are due together mostly share a few, and a cron search takes a tenth of a millisecond. */
function rememberingTicks(now: Date): (due: DueSchedule) => DueTicks {
  const known = new Map<string, DueTicks>();
  return (due) => {
    const { cronExpression, timezone, misfirePolicy, misfireMax, catchUpSeconds, nextDueAt } = due.schedule;
    const rule = [cronExpression, timezone, misfirePolicy, misfireMax, catchUpSeconds, nextDueAt, due.targets.length];
    const key = JSON.stringify(rule);
    const ticks = known.get(key) ?? dueTicksOf(due, now);
    known.set(key, ticks);
    return ticks;
  };
}

function toFired(
  { jobs, targets, advance, audit, latenessSeconds }: SettledTicks,
  made: ReadonlySet<string>,
): FiredTick {
  const written = jobs.filter(({ id }) => made.has(id));
  return {
    scheduleId: advance.scheduleId,
    targets,
    jobs: written.length,
    neverStarted: written.flatMap(({ finishedAt, tasks }) =>
      finishedAt === null ? [] : tasks.map(({ type }) => type),
    ),
    latenessSeconds,
    traceId: audit.traceId ?? '',
  };
}

function together(batches: readonly FiredBatch[]): FiredBatch {
  const fired = batches.flatMap((batch) => batch.fired);
  return { fired, failed: batches.flatMap(({ failed }) => failed), more: fired.length > 0 };
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AppError && error.code === 'ledger_unavailable';
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
