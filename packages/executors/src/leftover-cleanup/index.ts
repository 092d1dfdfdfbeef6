export { leftoverCleanup } from './executor.ts';
