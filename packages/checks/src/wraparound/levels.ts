import type { Severity } from '@slacktide/domain';
import type { Server } from './read.ts';
import type { HeapAges } from './relations.ts';

/** The server stops assigning ids this many before it would run out of them: 2^31, less 3 million. */
export const stopAge = 2_147_483_647 - 3_000_000;

/** How far one kind of ids of one heap or database is. */
export interface Level {
  readonly ids: 'transaction ids' | 'multixacts';
  readonly age: number;
  /** Age at which autovacuum freezes unasked. */
  readonly limit: number;
  /** Age from which on it counts as late. */
  readonly lateAge: number;
  /** Age at which VACUUM gives up everything else. */
  readonly failsafe: number;
  readonly severity: Severity;
}

type Settings = Omit<Server, 'inRecovery' | 'database' | 'nextXid' | 'nextMultixact'>;

/** Late or worse, the worst first. A storage parameter can only make the server's limit stricter. */
export function lateLevels(heap: HeapAges, settings: Settings, latePercent: number): readonly Level[] {
  const { autovacuum_freeze_max_age: xidLimit, autovacuum_multixact_freeze_max_age: multixactLimit } = settings;
  return [
    levelOf('transaction ids', heap.xidAge, heap.xidLimit, xidLimit, settings.vacuum_failsafe_age),
    levelOf(
      'multixacts',
      heap.multixactAge,
      heap.multixactLimit,
      multixactLimit,
      settings.vacuum_multixact_failsafe_age,
    ),
  ]
    .flatMap((level) => (level !== undefined && level.age >= level.lateAge ? [level] : []))
    .sort(byLateness);

  function levelOf(
    ids: Level['ids'],
    age: number | null,
    own: number | null,
    server: number,
    failsafeAge: number,
  ): Level | undefined {
    if (age === null) return undefined;
    // The server takes no less than 105 % of its own limit for it.
    const failsafe = Math.max(failsafeAge, Math.floor(server * 1.05));
    const limit = own === null || own < 0 ? server : Math.min(own, server);
    const lateAge = (limit * latePercent) / 100;
    return { ids, age, limit, lateAge, failsafe, severity: age >= failsafe ? 'critical' : 'warning' };
  }
}

/** The worst first. */
export function byLateness(a: Level, b: Level): number {
  return Number(b.severity === 'critical') - Number(a.severity === 'critical') || b.age / b.limit - a.age / a.limit;
}
