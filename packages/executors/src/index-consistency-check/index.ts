export { indexConsistencyCheck } from './executor.ts';
