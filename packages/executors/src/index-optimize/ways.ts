import { checks } from '@slacktide/checks';
import type { CheckName, FoundFinding, JsonObject } from '@slacktide/domain';
import type { IndexOptimizeConfig } from './schema.ts';

/** What can be done for an index; of two that suit one, the first is done. */
export const ways = ['duplicate', 'redundant', 'unused', 'rebuild'] as const;
export type Way = (typeof ways)[number];

interface WayOf {
  /** The check that finds what is to be done, and looks again right before. */
  readonly check: CheckName;
  readonly isWanted: (config: IndexOptimizeConfig) => boolean;
  readonly settings: (config: IndexOptimizeConfig) => JsonObject;
  /** The index that does the work of the one that goes, `schema.name` unquoted. */
  readonly keeperOf: (finding: FoundFinding) => string | null;
}

const nobody = (): null => null;
const named = (key: string) => (finding: FoundFinding) => {
  const name = finding.evidence[key];
  return typeof name === 'string' ? name : null;
};

const byWay: Readonly<Record<Way, WayOf>> = {
  duplicate: {
    check: 'duplicate_index',
    isWanted: (config) => config.drop_duplicate,
    settings: () => ({}),
    keeperOf: named('kept_index'),
  },
  redundant: {
    check: 'redundant_index',
    isWanted: (config) => config.drop_redundant,
    settings: () => ({}),
    keeperOf: named('covering_index'),
  },
  unused: {
    check: 'unused_index',
    isWanted: (config) => config.drop_unused,
    settings: ({ unused_days, min_table_size_mb }) => ({
      days_unused: unused_days,
      min_scans: 1,
      min_size_mb: min_table_size_mb,
    }),
    keeperOf: nobody,
  },
  rebuild: {
    check: 'index_bloat',
    isWanted: (config) => config.rebuild,
    settings: ({ bloat_threshold, min_size_mb, max_measured_mb }) => ({
      bloat_threshold,
      rebuild_threshold: bloat_threshold,
      min_size_mb,
      max_read_mb: max_measured_mb,
    }),
    keeperOf: nobody,
  },
};

export function wayOf(way: Way): WayOf {
  return byWay[way];
}

/** The check of a way, with its settings complete. */
export function checkOf(way: Way, config: IndexOptimizeConfig) {
  const check = checks.find(({ type }) => type.name === byWay[way].check);
  if (check === undefined) throw new Error(`there is no check ${byWay[way].check}`);
  return { check, settings: check.type.config.parse(byWay[way].settings(config)) };
}
