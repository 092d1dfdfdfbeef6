export { indexWatch } from './executor.ts';
