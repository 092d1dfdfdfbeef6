export { retentionEnforcement } from './executor.ts';
