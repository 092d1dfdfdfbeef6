export { indexOptimize } from './executor.ts';
