import type { CheckSnapshot } from '@slacktide/application/ports';
import type { CheckReport } from '@slacktide/domain';
import type { BlockCounters } from './read.ts';
import type { CacheHitRatioConfig } from './schema.ts';

/** Compares the counters with the oldest of `earlier` (newest first) that they have grown from without a reset. */
export function judgeCacheHitRatio(
  now: BlockCounters,
  earlier: readonly CheckSnapshot[],
  config: CacheHitRatioConfig,
): CheckReport {
  const { database, ...counters } = now;
  const since = earlier.findLast(({ values }) => grewFrom(values, now));
  const report = {
    check: 'cache_hit_ratio' as const,
    checked: 1,
    skipped: [],
    unknown: [],
    findings: [],
    unjudged: [],
    snapshot: { ...counters },
  };
  const unknown = (reason: string): CheckReport => ({
    ...report,
    checked: 0,
    unknown: [{ object: database, reason, grant: null }],
    figures: {},
  });
  if (since === undefined) return unknown('no earlier look to compare with');
  const hit = now.blocksHit - Number(since.values['blocksHit']);
  const read = now.blocksRead - Number(since.values['blocksRead']);
  if (hit + read < config.min_blocks) {
    return unknown(`only ${hit + read} block reads since ${since.at.toISOString()}; ${config.min_blocks} are needed`);
  }
  const ratio = Math.round((1000 * hit) / Math.max(1, hit + read)) / 1000;
  const figures = { ratio, blocks_hit: hit, blocks_read: read, since: since.at.toISOString() };
  if (ratio >= config.min_ratio) return { ...report, figures };
  return {
    ...report,
    figures,
    findings: [
      {
        fingerprint: `database:${database}`,
        severity: 'warning',
        object: { kind: 'database', schema: null, name: database, table: null },
        summary: `Shared buffers answered ${percent(ratio)} of block reads since ${since.at.toISOString()}; ${percent(config.min_ratio)} are expected`,
        evidence: { ...figures, min_ratio: config.min_ratio },
        action: null,
      },
    ],
  };
}

function grewFrom(values: CheckSnapshot['values'], now: BlockCounters): boolean {
  return (
    values['statsReset'] === now.statsReset &&
    Number(values['blocksHit']) <= now.blocksHit &&
    Number(values['blocksRead']) <= now.blocksRead
  );
}

function percent(ratio: number): string {
  return `${Math.round(1000 * ratio) / 10} %`;
}
