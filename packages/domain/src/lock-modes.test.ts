import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areInConflict, conflictingModes, type LockMode, lockModeOf, lockModes } from './lock-modes.ts';

/** Table 13.2 of the documentation, row by row; X = the requested mode has to wait. */
const documented: Readonly<Record<LockMode, string>> = {
  'ACCESS SHARE': '.......X',
  'ROW SHARE': '......XX',
  'ROW EXCLUSIVE': '....XXXX',
  'SHARE UPDATE EXCLUSIVE': '...XXXXX',
  SHARE: '..XX.XXX',
  'SHARE ROW EXCLUSIVE': '..XXXXXX',
  EXCLUSIVE: '.XXXXXXX',
  'ACCESS EXCLUSIVE': 'XXXXXXXX',
};
const mode = fc.constantFrom(...lockModes);

describe('lock modes', () => {
  it('conflict as the documentation says', () => {
    for (const requested of lockModes) {
      const row = lockModes.map((existing) => (areInConflict(requested, existing) ? 'X' : '.')).join('');
      expect(row, requested).toBe(documented[requested]);
    }
  });

  it('conflict both ways', () => {
    fc.assert(fc.property(mode, mode, (one, other) => areInConflict(one, other) === areInConflict(other, one)));
  });

  it('conflict with as much as weaker ones do, but for SHARE, which bears itself', () => {
    fc.assert(
      fc.property(mode, mode, (one, other) => {
        fc.pre(lockModes.indexOf(one) < lockModes.indexOf(other) && other !== 'SHARE');
        expect(conflictingModes(other)).toEqual(expect.arrayContaining([...conflictingModes(one)]));
      }),
    );
  });

  it('are found by their names in pg_locks, and nothing else is', () => {
    const names = ['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock'];
    names.push('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock');
    expect(names.map(lockModeOf)).toEqual([...lockModes]);
    expect(['SIReadLock', '', 'SHARE'].map(lockModeOf)).toEqual([undefined, undefined, undefined]);
  });
});
