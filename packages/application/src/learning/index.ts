export { assessQuery } from './assess-query.ts';
export { listLearnings } from './list-learnings.ts';
