export { statisticsUpdate } from './executor.ts';
