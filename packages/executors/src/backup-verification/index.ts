export { backupVerification } from './executor.ts';
