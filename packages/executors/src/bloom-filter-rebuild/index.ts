export { bloomFilterRebuild } from './executor.ts';
