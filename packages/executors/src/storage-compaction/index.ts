export { storageCompaction } from './executor.ts';
