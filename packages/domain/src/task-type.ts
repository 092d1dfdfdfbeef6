/** `observe` shares a target and only reads; `act` has the target for itself. */
export const accesses = ['observe', 'act'] as const;
export type Access = (typeof accesses)[number];

/** What may happen after an unclear outcome: run again, roll back, or wait for a person. */
export const safetyClasses = ['idempotent', 'compensable', 'never_retry'] as const;
export type SafetyClass = (typeof safetyClasses)[number];

export const taskCategories = [
  'index',
  'storage',
  'statistics',
  'observation',
  'durability',
  'security',
  'sessions',
  'records',
  'custom',
] as const;
export type TaskCategory = (typeof taskCategories)[number];
