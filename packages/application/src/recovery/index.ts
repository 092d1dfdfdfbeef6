export type { RecoverDeps, Recovered } from './recover-deps.ts';
export { recoverExpired } from './recover-expired.ts';
export { recoverTask } from './recover-task.ts';
export { type RecoveryTimes, recoveryTimes } from './recovery-times.ts';
