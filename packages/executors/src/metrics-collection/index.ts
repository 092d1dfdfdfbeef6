export { metricsCollection } from './executor.ts';
