const builtInModules: readonly string[] = [
  'ledger',
  'redis',
  'workers',
  'schedules',
  'audit',
  'ticks',
  'tasks',
  'outbox',
];
const queuePrefix = 'queue:';
const targetPrefix = 'target:';

/** Of these the built-in probes and the workers tell: nobody else may. */
export function isBuiltInModule(module: string): boolean {
  return builtInModules.includes(module) || module.startsWith(queuePrefix) || isTargetModule(module);
}

/** The module under which workers tell how a target is. */
export function targetModule(targetId: string): string {
  return `${targetPrefix}${targetId}`;
}

/** Whether a module tells how a target is. */
export function isTargetModule(module: string): boolean {
  return module.startsWith(targetPrefix);
}
