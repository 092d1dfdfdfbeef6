export { mvccCleanup } from './executor.ts';
