import type { CheckSnapshot } from '@slacktide/application/ports';
import type { CheckReport, FoundFinding, SkippedObject } from '@slacktide/domain';
import { databaseFinding } from './database-finding.ts';
import { byLateness, lateLevels } from './levels.ts';
import type { WraparoundFacts } from './read.ts';
import type { WraparoundConfig } from './schema.ts';
import { tableFinding } from './table-finding.ts';
import { hoursUntilStop, snapshotOf, useOfIds } from './use-of-ids.ts';

/** `earlier` looks within the window, newest first. */
export function judgeWraparound(
  facts: WraparoundFacts,
  earlier: readonly CheckSnapshot[],
  now: Date,
  config: WraparoundConfig,
): CheckReport {
  const { server } = facts;
  const use = useOfIds(server, earlier, now);
  const findings: FoundFinding[] = [];
  const skipped: SkippedObject[] = [];
  const databases = facts.databases.filter(({ invalid }) => !invalid);
  for (const database of facts.databases) {
    if (database.invalid) {
      skipped.push({
        object: database.name,
        reason: 'left behind by an interrupted DROP DATABASE: the server does not count it',
      });
      continue;
    }
    const [worst] = lateLevels({ ...database, xidLimit: null, multixactLimit: null }, server, config.late_percent);
    if (worst !== undefined) findings.push(databaseFinding(database, worst, facts, use));
  }
  for (const table of facts.tables) {
    const own = lateLevels(table, server, config.late_percent);
    const toast = table.toast === null ? [] : lateLevels(table.toast, server, config.late_percent);
    const [worst] = [
      ...own.map((level) => ({ level, heap: 'table' as const })),
      ...toast.map((level) => ({ level, heap: 'toast' as const })),
    ].sort((a, b) => byLateness(a.level, b.level));
    if (worst !== undefined) findings.push(tableFinding(table, worst, facts, use));
  }
  const oldest = Math.max(...databases.map(({ xidAge }) => xidAge ?? 0));
  const oldestMultixact = Math.max(...databases.map(({ multixactAge }) => multixactAge ?? 0));
  return {
    check: 'wraparound',
    checked: databases.length + facts.tables.length,
    skipped,
    unknown: [],
    findings,
    unjudged: [],
    figures: {
      oldest_xid_age: oldest,
      oldest_multixact_age: oldestMultixact,
      oldest_database: databases.find(({ xidAge }) => xidAge === oldest)?.name ?? null,
      freeze_max_age: server.autovacuum_freeze_max_age,
      multixact_freeze_max_age: server.autovacuum_multixact_freeze_max_age,
      xids_per_hour: use.xidsPerHour,
      multixacts_per_hour: use.multixactsPerHour,
      hours_until_stop: hoursUntilStop({ ids: 'transaction ids', age: oldest }, use),
      hours_until_multixact_stop: hoursUntilStop({ ids: 'multixacts', age: oldestMultixact }, use),
    },
    snapshot: snapshotOf(server),
  };
}
