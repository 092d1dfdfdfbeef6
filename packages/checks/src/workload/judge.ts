import type { CheckSnapshot } from '@slacktide/application/ports';
import type { CheckReport, UnknownObject } from '@slacktide/domain';
import { type Since, sinceOldest, snapshotOf } from './counters.ts';
import { findSeldomHot } from './hot-updates.ts';
import type { WorkloadFacts } from './read.ts';
import type { WorkloadConfig } from './schema.ts';

type WorkloadType = 'read-heavy' | 'write-heavy' | 'mixed' | 'unknown';

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
  const rows = countRows(since);
  const total = rows.rows_read + rows.rows_written;
  const isKnown = total >= config.min_rows;
  if (!isKnown) {
    const reason = `only ${total} rows read and written since ${since.at.toISOString()}; ${config.min_rows} are needed`;
    unknown.push({ object: facts.database, reason, grant: null });
  }
  const readRatio = isKnown ? Math.round((1000 * rows.rows_read) / total) / 1000 : null;
  return {
    ...base,
    checked: facts.tables.length,
    unknown,
    findings: findSeldomHot(facts.tables, since.tables, config),
    figures: {
      workload_type: classify(readRatio, config.heavy_ratio),
      read_ratio: readRatio,
      write_ratio: readRatio === null ? null : Math.round(1000 * (1 - readRatio)) / 1000,
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

function classify(readRatio: number | null, heavyRatio: number): WorkloadType {
  if (readRatio === null) return 'unknown';
  if (readRatio >= heavyRatio) return 'read-heavy';
  return 1 - readRatio >= heavyRatio ? 'write-heavy' : 'mixed';
}

function countRows(since: Since) {
  let [inserted, updated, deleted, hotUpdated, read] = [0, 0, 0, 0, 0];
  for (const table of [...since.tables.values(), since.others]) {
    inserted += table.inserted;
    updated += table.updated;
    deleted += table.deleted;
    hotUpdated += table.hotUpdated;
    // A row has to be read to be updated or deleted: that is part of the write.
    read += Math.max(0, table.reads - table.updated - table.deleted);
  }
  const onStandbys = [...since.standbys.values()].reduce<number>((sum, reads) => sum + (reads ?? 0), 0);
  return {
    rows_read: read + onStandbys,
    rows_written: inserted + updated + deleted,
    rows_read_on_standbys: onStandbys,
    rows_inserted: inserted,
    rows_updated: updated,
    rows_deleted: deleted,
    hot_ratio: updated === 0 ? null : Math.round((1000 * hotUpdated) / updated) / 1000,
  };
}

function unknownStandbys(facts: WorkloadFacts, since: Since): UnknownObject[] {
  return facts.standbys.flatMap((standby) => {
    if (standby.kind === 'unreadable') return [{ object: standby.name, reason: standby.reason, grant: null }];
    if (since.standbys.get(standby.name) !== null) return [];
    return [{ object: standby.name, reason: 'no earlier look at this standby to compare with', grant: null }];
  });
}
