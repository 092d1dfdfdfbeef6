export { sessionCleanup } from './executor.ts';
