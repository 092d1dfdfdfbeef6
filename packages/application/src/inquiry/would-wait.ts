import { conflictingModes, type LockMode, lockModeOf, lockModes } from '@slacktide/domain';
import type { PlannedStep, SnapshotHolder, TableLockHolder, WouldWait } from '../ports/index.ts';
import { concurrentOperationOf } from './concurrent-operation.ts';

/** Who would have to wait for a step, or it for them, if it began now; whose transaction is oldest comes first. */
export function wouldWait(
  step: Pick<PlannedStep, 'lockMode' | 'statements'>,
  holders: readonly TableLockHolder[],
  snapshots: readonly SnapshotHolder[],
): readonly WouldWait[] {
  const mode = lockModes.find((each) => each === step.lockMode);
  if (mode === undefined) return [];
  const operation = concurrentOperationOf(step);
  const held = modesWaitedFor(mode, operation);
  const queued = conflictingModes(mode);
  const bySession = new Map<string, { holder: SnapshotHolder; locks: string[] }>();
  const add = (holder: SnapshotHolder, lock: string): void => {
    // A prepared transaction has no pid; by owner and age it is told from others.
    const key = `${holder.pid ?? `${holder.user} ${holder.transactionAgeSeconds}`}`;
    const entry = bySession.get(key) ?? { holder, locks: [] };
    entry.locks.push(lock);
    bySession.set(key, entry);
  };
  for (const holder of holders) {
    const other = lockModeOf(holder.mode);
    if (other === undefined || !(holder.granted ? held : queued).includes(other)) continue;
    add(holder, holder.granted ? other : `${other} (waiting for it)`);
  }
  // Dropping an index waits for those who use it, not for all who might.
  if (operation === 'create' || operation === 'reindex') for (const holder of snapshots) add(holder, 'a snapshot');
  return [...bySession.values()]
    .map(({ holder: { pid, user, applicationName, transactionAgeSeconds }, locks }) => ({
      pid,
      user,
      applicationName,
      transactionAgeSeconds,
      locks: [...new Set(locks)].join(', '),
    }))
    .toSorted((a, b) => (b.transactionAgeSeconds ?? -1) - (a.transactionAgeSeconds ?? -1));
}

/** Besides what its own lock conflicts with, work CONCURRENTLY waits until nobody writes the table, or nobody uses the index. */
function modesWaitedFor(mode: LockMode, operation: ReturnType<typeof concurrentOperationOf>): readonly LockMode[] {
  const own = conflictingModes(mode);
  switch (operation) {
    case undefined:
      return own;
    case 'create':
      return [...own, ...conflictingModes('SHARE')];
    case 'reindex':
    case 'drop':
      return [...own, ...conflictingModes('ACCESS EXCLUSIVE')];
  }
}
