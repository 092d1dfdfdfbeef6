export { walArchivingProbe } from './executor.ts';
