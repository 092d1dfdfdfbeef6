export { type FiredBatch, type FiredTick, fireDueTicks } from './fire-due-ticks.ts';
export { type TickAnswer, TickQueue } from './tick-queue.ts';
