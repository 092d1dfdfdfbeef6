import type { DispatchRepairs } from '@slacktide/application/ports';
import type { Queue } from 'bullmq';
import type { DispatchContext } from './dispatch-context.ts';
import { lostFlowFinder } from './find-lost-flows.ts';
import { StrayDeliveries } from './stray-deliveries.ts';
import type { BullTickTimers } from './tick-timers.ts';
import { TimerRepairs } from './timer-repairs.ts';
import { queueWaker } from './wake-queues.ts';

export interface RepairedQueues {
  readonly tasks: readonly Queue[];
  readonly finalise: Queue;
  readonly ticks: Queue;
}

/** The reconciler's side of Redis. */
export function dispatchRepairs(
  { connections, prefix, nowMs }: DispatchContext,
  { tasks, finalise, ticks }: RepairedQueues,
  tickTimers: BullTickTimers,
): DispatchRepairs {
  const strays = new StrayDeliveries(connections, prefix, [...tasks, finalise]);
  const timers = new TimerRepairs(connections, ticks, tickTimers);
  return {
    findLost: lostFlowFinder(connections, prefix),
    lookFurther: () => strays.lookFurther(),
    removeFlow: (flow) => strays.removeFlow(flow),
    removeStray: (stray) => strays.removeStray(stray),
    countTimers: () => timers.countTimers(),
    findStaleTimers: (some) => timers.findStaleTimers(some),
    setTimers: (some) => timers.setTimers(some),
    listTimers: () => timers.listTimers(),
    removeTimers: (scheduleIds) => timers.removeTimers(scheduleIds),
    wakeQueues: queueWaker(connections, [...tasks, finalise, ticks], nowMs),
  };
}
