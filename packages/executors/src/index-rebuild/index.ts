export { indexRebuild } from './executor.ts';
