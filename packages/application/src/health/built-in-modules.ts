import type { CheckName } from '@slacktide/domain';

const builtInModules: readonly string[] = [
  'ledger',
  'redis',
  'workers',
  'schedules',
  'audit',
  'audit_chain',
  'ticks',
  'tasks',
  'outbox',
];
const queuePrefix = 'queue:';
const targetPrefix = 'target:';
const checkPrefix = 'check:';

/** Of these the built-in probes and the workers tell: nobody else may. */
export function isBuiltInModule(module: string): boolean {
  return (
    builtInModules.includes(module) ||
    [queuePrefix, checkPrefix].some((prefix) => module.startsWith(prefix)) ||
    isTargetModule(module)
  );
}

/** The module under which workers tell how a target is. */
export function targetModule(targetId: string): string {
  return `${targetPrefix}${targetId}`;
}

/** The module under which a check tells how it left a target; it lapses where the check is not run again. */
export function checkModule(check: CheckName, targetId: string): string {
  return `${checkPrefix}${check}:${targetId}`;
}

/** Whether a module tells how a target is. */
export function isTargetModule(module: string): boolean {
  return module.startsWith(targetPrefix);
}
