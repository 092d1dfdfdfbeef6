import type { CheckSnapshot } from '@slacktide/application/ports';
import type { CheckReport, UnknownObject } from '@slacktide/domain';
import { type Classified, classify, countRows } from './classify.ts';
import { type Since, sinceOldest, snapshotOf } from './counters.ts';
import { findSeldomHot } from './hot-updates.ts';
import type { WorkloadFacts } from './read.ts';
import type { WorkloadConfig } from './schema.ts';

/** Judges what happened since the oldest of `earlier` looks (newest first) that can be compared with. */
export function judgeWorkload(
  facts: WorkloadFacts,
  earlier: readonly CheckSnapshot[],
  now: Date,
  config: WorkloadConfig,
): CheckReport {
  const base = { check: 'workload' as const, skipped: [], unjudged: [], snapshot: snapshotOf(facts) };
  const standbys = { standbys_streaming: facts.standbysStreaming, standbys_registered: facts.standbys.length };
  const since = sinceOldest(facts, earlier);
  if (since === undefined) {
    const unknown = [{ object: facts.database, reason: 'no earlier look to compare with', grant: null }];
    const figures = { workload_type: 'unknown', read_ratio: null, write_ratio: null, ...standbys };
    return { ...base, checked: 0, unknown, findings: [], unjudged: 'all', figures };
  }
  const unknown: UnknownObject[] = unknownStandbys(facts, since);
  const onPrimary = countRows([...since.tables.values(), since.others]);
  const onStandbys = [...since.standbys.values()].reduce<number>((sum, reads) => sum + (reads ?? 0), 0);
  const rows = { ...onPrimary, rows_read: onPrimary.rows_read + onStandbys, rows_read_on_standbys: onStandbys };
  const classified = classify(rows, since.at, config);
  if (classified.kind === 'not_enough_data') {
    unknown.push({ object: facts.database, reason: classified.reason, grant: null });
  }
  return {
    ...base,
    checked: facts.tables.length,
    unknown,
    findings: findSeldomHot(facts.tables, since.tables, config),
    figures: {
      ...ratiosOf(classified),
      ...rows,
      blocks_hit: since.blocksHit,
      blocks_read: since.blocksRead,
      since: since.at.toISOString(),
      hours: Math.round((now.getTime() - since.at.getTime()) / 360_000) / 10,
      tables_counted_together: facts.tables.length - since.tables.size,
      ...standbys,
      standbys_counted: [...since.standbys.values()].filter((reads) => reads !== null).length,
    },
  };
}

function ratiosOf(classified: Classified) {
  if (classified.kind === 'not_enough_data') return { workload_type: 'unknown', read_ratio: null, write_ratio: null };
  const { workloadType, readRatio, writeRatio } = classified;
  return { workload_type: workloadType, read_ratio: readRatio, write_ratio: writeRatio };
}

function unknownStandbys(facts: WorkloadFacts, since: Since): UnknownObject[] {
  return facts.standbys.flatMap((standby) => {
    if (standby.kind === 'unreadable') return [{ object: standby.name, reason: standby.reason, grant: null }];
    if (since.standbys.get(standby.name) !== null) return [];
    return [{ object: standby.name, reason: 'no earlier look at this standby to compare with', grant: null }];
  });
}
