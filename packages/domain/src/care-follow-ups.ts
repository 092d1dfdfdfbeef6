import type { CareSettings } from './care-settings.ts';
import type { JsonObject } from './json.ts';
import type { WindowHours } from './schedule.ts';

/** What a run of care found, where something can be set off about it. */
export interface CareFindings {
  readonly orphanedIndexes: number;
  readonly invalidIndexes: number;
  readonly staleAdvisoryLocks: number;
  readonly unusedIndexes: number;
  readonly bloatedIndexes: number;
  readonly staleTables: number;
}

/** What an earlier run set off, the latest of each task type. */
export interface EarlierFollowUp {
  readonly type: string;
  readonly askedAt: Date;
  /** It waits, or its job is under way. */
  readonly open: boolean;
}

/** Work that a run of care is to set off. */
export interface CareFollowUp {
  readonly type: string;
  readonly config: JsonObject;
  readonly window: WindowHours | null;
  readonly timeLimitSeconds: number | null;
  readonly reason: string;
}

/** What becomes of one automatism of care: work is set off, or why not. */
export type CareDecision =
  | { readonly kind: 'set_off'; readonly followUp: CareFollowUp }
  | {
      readonly kind: 'left';
      readonly reason: 'switched_off' | 'nothing_found' | 'advised_against' | 'under_way' | 'not_due' | 'on_demand';
    };

export interface CareDecisionInput {
  readonly settings: CareSettings;
  readonly found: CareFindings;
  /** Bloated indexes besides, whose history says that a rebuild does not last. Default 0. */
  readonly advisedAgainst?: number;
  readonly earlier: readonly EarlierFollowUp[];
  readonly now: Date;
  /** A forced run ignores intervals. */
  readonly force: boolean;
}

const dayMs = 86_400_000;
/** A month is taken for its shortest: what ran on the 1st is due again on the 1st. */
const reindexEveryMs = { weekly: 7 * dayMs, monthly: 28 * dayMs };
/** A run comes a little earlier or later than the one before. */
const earlyMs = 2 * 3_600_000;

/** Each automatism of care by its task type, and what becomes of it. */
export function decideCareFollowUps(input: CareDecisionInput): Readonly<Record<string, CareDecision>> {
  const { settings, found, advisedAgainst = 0 } = input;
  const { features } = settings;
  const { orphaned_index_cleanup, invalid_index_cleanup, index_cleanup, index_health } = features;
  const leftovers =
    (orphaned_index_cleanup.auto_cleanup ? found.orphanedIndexes : 0) +
    (invalid_index_cleanup.auto_cleanup ? found.invalidIndexes : 0);
  return {
    LEFTOVER_CLEANUP: decide(input, {
      type: 'LEFTOVER_CLEANUP',
      on: orphaned_index_cleanup.auto_cleanup || invalid_index_cleanup.auto_cleanup,
      found: leftovers,
      what: `${leftovers} leftovers of indexes`,
      // Only what is switched on: the other kind is left to a person.
      config: {
        checks: [
          ...(invalid_index_cleanup.auto_cleanup ? ['invalid_index'] : []),
          ...(orphaned_index_cleanup.auto_cleanup ? ['orphaned_index'] : []),
        ],
      },
    }),
    SESSION_CLEANUP: decide(input, {
      type: 'SESSION_CLEANUP',
      on: features.advisory_lock_cleanup.auto_cleanup,
      found: found.staleAdvisoryLocks,
      what: `${found.staleAdvisoryLocks} abandoned advisory locks`,
      config: {
        stale_locks: true,
        stale_lock_seconds: features.advisory_lock_cleanup.stale_after_seconds,
        idle_in_transaction: false,
        long_statements: false,
      },
    }),
    INDEX_OPTIMIZE: decide(input, {
      type: 'INDEX_OPTIMIZE',
      on: index_cleanup.auto_cleanup,
      found: found.unusedIndexes,
      what: `${found.unusedIndexes} unused indexes`,
      // It watches for longer than care does before it drops: what it keeps today it keeps for hours.
      everyMs: dayMs,
      config: { rebuild: false, drop_unused: true, max_drops: index_cleanup.max_drops },
    }),
    INDEX_REBUILD: decide(input, {
      type: 'INDEX_REBUILD',
      on: index_health.auto_reindex,
      found: found.bloatedIndexes,
      leftOut: advisedAgainst,
      what: `${found.bloatedIndexes} bloated indexes`,
      everyMs:
        index_health.reindex_schedule === 'on_demand' ? 'on_demand' : reindexEveryMs[index_health.reindex_schedule],
      timeLimitSeconds: index_health.max_minutes * 60,
      config: {
        bloat_threshold: index_health.bloat_threshold,
        min_size_mb: index_health.min_size_mb,
        max_indexes: index_health.max_indexes,
        max_total_mb: index_health.max_total_mb,
      },
    }),
    STATISTICS_UPDATE: decide(input, {
      type: 'STATISTICS_UPDATE',
      on: features.statistics_refresh.auto_analyze,
      found: found.staleTables,
      what: `${found.staleTables} tables with stale statistics`,
      config: {},
    }),
  };
}

interface Automatism {
  readonly type: string;
  readonly on: boolean;
  readonly found: number;
  /** Found as well, and not worth it. Default 0. */
  readonly leftOut?: number;
  readonly what: string;
  readonly config: JsonObject;
  /** Least time between two. Default: every run that finds something. */
  readonly everyMs?: number | 'on_demand';
  readonly timeLimitSeconds?: number;
}

function decide({ settings, earlier, now, force }: CareDecisionInput, automatism: Automatism): CareDecision {
  const { type, on, found, leftOut = 0, what, config, everyMs = 0, timeLimitSeconds = null } = automatism;
  if (!on) return { kind: 'left', reason: 'switched_off' };
  if (found === 0) return { kind: 'left', reason: leftOut > 0 ? 'advised_against' : 'nothing_found' };
  const last = earlier.find((each) => each.type === type);
  if (last?.open === true) return { kind: 'left', reason: 'under_way' };
  if (!force && everyMs === 'on_demand') return { kind: 'left', reason: 'on_demand' };
  const isDue =
    force ||
    everyMs === 'on_demand' ||
    last === undefined ||
    now.getTime() - last.askedAt.getTime() >= everyMs - earlyMs;
  if (!isDue) return { kind: 'left', reason: 'not_due' };
  const { start_hour, end_hour } = settings.operational.maintenance_window;
  const window = start_hour === null || end_hour === null ? null : { startHour: start_hour, endHour: end_hour };
  return { kind: 'set_off', followUp: { type, config, window, timeLimitSeconds, reason: `care found ${what}` } };
}
