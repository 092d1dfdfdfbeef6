/** Table locks from the weakest to the strongest, as PostgreSQL's documentation calls them. */
export const lockModes = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
] as const;
export type LockMode = (typeof lockModes)[number];

/** "Conflicting Lock Modes", chapter 13.3.1 of the documentation: the same from 14 to 18. */
const conflicts: Readonly<Record<LockMode, readonly LockMode[]>> = {
  'ACCESS SHARE': ['ACCESS EXCLUSIVE'],
  'ROW SHARE': ['EXCLUSIVE', 'ACCESS EXCLUSIVE'],
  'ROW EXCLUSIVE': ['SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE'],
  'SHARE UPDATE EXCLUSIVE': ['SHARE UPDATE EXCLUSIVE', 'SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE'],
  SHARE: ['ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE'],
  'SHARE ROW EXCLUSIVE': [
    'ROW EXCLUSIVE',
    'SHARE UPDATE EXCLUSIVE',
    'SHARE',
    'SHARE ROW EXCLUSIVE',
    'EXCLUSIVE',
    'ACCESS EXCLUSIVE',
  ],
  EXCLUSIVE: [
    'ROW SHARE',
    'ROW EXCLUSIVE',
    'SHARE UPDATE EXCLUSIVE',
    'SHARE',
    'SHARE ROW EXCLUSIVE',
    'EXCLUSIVE',
    'ACCESS EXCLUSIVE',
  ],
  'ACCESS EXCLUSIVE': lockModes,
};

/** The lock modes of a table that a lock of this mode has to wait for, and keeps waiting. */
export function conflictingModes(mode: LockMode): readonly LockMode[] {
  return conflicts[mode];
}

/** True when one session cannot have the one while another has the other. */
export function areInConflict(one: LockMode, other: LockMode): boolean {
  return conflicts[one].includes(other);
}

/** As pg_locks has it, e.g. `ShareUpdateExclusiveLock`; undefined for what is no table lock, e.g. `SIReadLock`. */
export function lockModeOf(pgLocksMode: string): LockMode | undefined {
  return lockModes.find((mode) => `${mode.replaceAll(' ', '').toLowerCase()}lock` === pgLocksMode.toLowerCase());
}
