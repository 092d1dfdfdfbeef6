import { conflictingModes, type LockMode, lockModes } from '@slacktide/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SnapshotHolder, TableLockHolder } from '../ports/index.ts';
import { actionOf, concurrentOperationOf } from './concurrent-operation.ts';
import { wouldWait } from './would-wait.ts';

const pgLocksName = (mode: LockMode): string =>
  `${mode
    .toLowerCase()
    .split(' ')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}Lock`;

const session = (pid: number | null, age: number | null = 1): SnapshotHolder => ({
  pid,
  user: 'app',
  applicationName: 'checkout',
  transactionAgeSeconds: age,
});
const holds = (pid: number | null, mode: LockMode, age: number | null = 1, granted = true): TableLockHolder => ({
  ...session(pid, age),
  mode: pgLocksName(mode),
  granted,
});
const step = (lockMode: string | null, ...statements: string[]) => ({ lockMode, statements });
const full = step('ACCESS EXCLUSIVE', 'VACUUM (FULL) public.orders');
const create = step('SHARE UPDATE EXCLUSIVE', 'CREATE INDEX CONCURRENTLY orders_n ON public.orders (n)');
const reindex = step('SHARE UPDATE EXCLUSIVE', 'REINDEX INDEX CONCURRENTLY public.orders_n');
const drop = step('SHARE UPDATE EXCLUSIVE', 'DROP INDEX CONCURRENTLY public.orders_n');

describe('wouldWait', () => {
  it('names each session once, whose transaction is oldest first, with all its locks that conflict', () => {
    const holders = [
      holds(1, 'ACCESS SHARE', 5),
      holds(2, 'ROW EXCLUSIVE', 90),
      holds(2, 'ROW SHARE', 90),
      holds(3, 'ACCESS EXCLUSIVE', null, false),
      holds(null, 'ROW EXCLUSIVE', 1_000),
    ];
    expect(wouldWait(full, holders, [])).toEqual([
      { ...session(null, 1_000), locks: 'ROW EXCLUSIVE' },
      { ...session(2, 90), locks: 'ROW EXCLUSIVE, ROW SHARE' },
      { ...session(1, 5), locks: 'ACCESS SHARE' },
      { ...session(3, null), locks: 'ACCESS EXCLUSIVE (waiting for it)' },
    ]);
  });

  it('leaves out who is in nobody’s way', () => {
    const analyze = step('SHARE UPDATE EXCLUSIVE', 'ANALYZE public.orders');
    expect(wouldWait(analyze, [holds(1, 'ROW EXCLUSIVE')], [session(2)])).toEqual([]);
    expect(wouldWait(step(null, 'CHECKPOINT'), [holds(1, 'ACCESS EXCLUSIVE')], [])).toEqual([]);
  });

  it('knows that work CONCURRENTLY waits for writers, users and snapshots, though its lock conflicts with none of them', () => {
    const holders = [holds(1, 'ACCESS SHARE', 3), holds(2, 'ROW EXCLUSIVE', 2)];
    const pids = (each: typeof create) => wouldWait(each, holders, [session(7, 9)]).map(({ pid }) => pid);
    expect(pids(create)).toEqual([7, 2]);
    expect(pids(reindex)).toEqual([7, 1, 2]);
    expect(pids(drop)).toEqual([1, 2]);
    expect(wouldWait(reindex, [holds(7, 'ACCESS SHARE', 9)], [session(7, 9)])).toEqual([
      { ...session(7, 9), locks: 'ACCESS SHARE, a snapshot' },
    ]);
  });

  it('is for any plain lock what conflicts with it, by the matrix', () => {
    const mode = fc.constantFrom(...lockModes);
    fc.assert(
      fc.property(mode, mode, fc.boolean(), (own, other, granted) => {
        const found = wouldWait(step(own, 'VACUUM public.orders'), [holds(1, other, 1, granted)], [session(2)]);
        expect(found.length === 1).toBe(conflictingModes(own).includes(other));
      }),
    );
  });
});

describe('the words of a statement', () => {
  it('tell what it does to an index while others work on', () => {
    const operation = (...statements: string[]) => concurrentOperationOf({ statements });
    expect(operation('CREATE UNIQUE INDEX CONCURRENTLY a ON b (c)')).toBe('create');
    expect(operation('REINDEX (VERBOSE) INDEX CONCURRENTLY a')).toBe('reindex');
    expect(operation('REINDEX TABLE CONCURRENTLY a')).toBe('reindex');
    expect(operation('DROP INDEX CONCURRENTLY a')).toBe('drop');
    expect(operation('DROP INDEX a', 'CREATE INDEX a ON "INDEX CONCURRENTLY" (c)')).toBeUndefined();
    expect(operation('CREATE INDEX CONCURRENTLY a ON b (c)', 'DROP INDEX CONCURRENTLY d')).toBe('create');
  });

  it('tell what the history calls it, where the step does not', () => {
    const action = (...statements: string[]) => actionOf({ statements });
    expect(action('VACUUM (ANALYZE) a')).toBe('vacuum');
    expect(action('VACUUM FULL a')).toBe('vacuum_full');
    expect(action('VACUUM (FULL, ANALYZE) a')).toBe('vacuum_full');
    expect(action('VACUUM (FULL false) a')).toBe('vacuum');
    expect(action('ANALYZE a')).toBe('analyze');
    expect(action('CREATE INDEX a ON b (c)')).toBe('create_index');
    expect(action('CREATE INDEX a ON b (c)', 'DROP INDEX d')).toBeUndefined();
    expect(action('SELECT 1')).toBeUndefined();
    const cost = { action: 'repack', tempDiskBytes: 1, walBytes: null } as const;
    expect(actionOf({ statements: ['VACUUM a'], cost })).toBe('repack');
  });
});
