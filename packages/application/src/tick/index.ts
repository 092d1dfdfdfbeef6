export { type FiredTicks, fireTicks } from './fire-ticks.ts';
