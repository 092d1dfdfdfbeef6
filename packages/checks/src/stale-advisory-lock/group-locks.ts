import type { Held } from './finding.ts';
import type { HeldLock } from './read.ts';

/** A session that holds more keys than this is judged as one: its findings would all say, and propose, the same. */
const mostKeysEach = 20;

/** One entry a holder and key, or one a holder where it holds very many. */
export function groupLocks(locks: readonly HeldLock[]): Held[] {
  const byHolder = new Map<string, HeldLock[]>();
  for (const lock of locks) {
    const holder = lock.session === null ? `gid ${lock.prepared?.gid}` : `pid ${lock.session.pid}`;
    const others = byHolder.get(holder);
    if (others === undefined) byHolder.set(holder, [lock]);
    else others.push(lock);
  }
  return [...byHolder.values()].flatMap((held) =>
    held.length > mostKeysEach ? toHeld(held) : held.flatMap((lock) => toHeld([lock])),
  );
}

function toHeld(locks: readonly HeldLock[]): Held[] {
  const [first] = locks;
  if (first === undefined) return [];
  const what = locks.length === 1 ? `advisory lock ${first.key}` : 'advisory locks';
  const shared = {
    keys: locks.map(({ key }) => key),
    modes: [...new Set(locks.flatMap(({ modes }) => modes))].toSorted(),
    waiters: locks.reduce((sum, { waiters }) => sum + waiters, 0),
    longestWaitSeconds: locks.reduce<number | null>(
      (longest, { longestWaitSeconds: wait }) => (wait === null ? longest : Math.max(longest ?? 0, wait)),
      null,
    ),
  };
  const { session, prepared } = first;
  if (session !== null) {
    const name = `pid ${session.pid}, ${what}`;
    return [{ ...shared, session, name, fingerprint: `${name}, since ${session.backendStart}` }];
  }
  if (prepared === null) return [];
  const name = `prepared transaction ${prepared.gid}, ${what}`;
  return [{ ...shared, session, prepared, name, fingerprint: `${name}, since ${prepared.preparedAt}` }];
}
