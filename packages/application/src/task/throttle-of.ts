import { type JsonObject, loadReason, pauseKey, throttleLimits } from '@slacktide/domain';
import type { Executor, Plan, TargetGateway, TargetReader, TargetSession } from '../ports/index.ts';
import type { StepJournal } from './step-journal.ts';
import { type PauseRecord, Throttle, type ThrottleClock } from './throttle.ts';

/** How pauses go by; tests shorten them. */
export interface ThrottleTiming {
  readonly clock?: ThrottleClock;
  /** Default 2 000. */
  readonly pollMs?: number;
}

/** What a task's throttle works with. */
export interface ThrottledRun {
  readonly gateway: Pick<TargetGateway, 'readLoad'>;
  readonly throttling?: ThrottleTiming | undefined;
  readonly executor: Pick<Executor, 'taskType'>;
  readonly config: JsonObject;
  readonly plan: Plan;
  /** The number of the last pause of earlier attempts; 0 = none. */
  readonly pausesBefore: number;
  readonly journal: StepJournal;
  readonly session: TargetSession;
  readonly observer: TargetReader;
  readonly signal: AbortSignal;
}

/** The throttle of act work whose configuration has one; each pause is a step of the task, shown live. */
export function throttleOf(run: ThrottledRun): Throttle | undefined {
  const { access, sessionless } = run.executor.taskType;
  const limits = throttleLimits.safeParse(run.config['throttle']);
  if (access !== 'act' || sessionless === true || !limits.success) return undefined;
  let number = run.pausesBefore;
  return new Throttle({
    limits: limits.data,
    read: () => run.gateway.readLoad(run.observer, limits.data, run.session.identity.pid),
    record: (result) => {
      number += 1;
      return recordPause(run, number, result);
    },
    signal: run.signal,
    ...run.throttling,
  });
}

function recordPause({ journal, plan }: ThrottledRun, number: number, result: JsonObject): PauseRecord {
  const key = pauseKey(number);
  const position = plan.steps.length - 1 + number;
  journal.add({ key, position, reason: loadReason, phase: 'waiting for the load to fall', result }, new Date());
  return {
    tell: (now) => journal.tell(key, now),
    end: (all) => journal.end(key, { kind: 'done', result: all }, new Date()),
  };
}
