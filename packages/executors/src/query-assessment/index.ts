export { queryAssessment } from './executor.ts';
