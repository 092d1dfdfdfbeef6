export { checkModule, targetModule } from './built-in-modules.ts';
export { latenessProbe, ledgerProbe, outboxProbe, queueProbe, workersProbe } from './built-in-probes.ts';
export { deadManProbe } from './dead-man-probe.ts';
export * from './health.ts';
export { HealthRegistry, type HealthReport } from './health-registry.ts';
export { neglectedTasksProbe } from './neglected-tasks-probe.ts';
export { putSignal } from './put-signal.ts';
export { readHealth } from './read-health.ts';
export { type WatchTargetsDeps, watchTargets } from './watch-targets.ts';
