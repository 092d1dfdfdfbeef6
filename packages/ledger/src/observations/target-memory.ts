import type { CheckSnapshot, TargetMemory } from '@slacktide/application/ports';
import type { CheckName } from '@slacktide/domain';
import { selectEffects, selectLasted } from '../act-records/select-effects.ts';
import { selectBackups } from '../backups/select-backups.ts';
import { selectLayers } from '../care/care-reader.ts';
import { selectLatestFollowUps } from '../follow-ups/create-follow-up-store.ts';
import { selectLearnings } from '../learnings/learning-reader.ts';
import type { LedgerSql } from '../sql.ts';
import { selectTemplate } from '../templates/template-reader.ts';
import { selectRollbackPoints, selectWatch } from '../watches/read-watches.ts';
import { readGauges } from './read-gauges.ts';
import { readSafeguards } from './read-safeguards.ts';
import { readUsage } from './read-usage.ts';

/** What the ledger remembers of one target. */
export function createTargetMemory(sql: LedgerSql, targetId: string): TargetMemory {
  return {
    async now() {
      const [row] = await sql<[{ now: Date }]>`SELECT now()`;
      return row.now;
    },

    async snapshots(check, { since, limit }) {
      return await sql<CheckSnapshot[]>`
        SELECT at, values FROM check_snapshots
        WHERE target_id = ${targetId} AND check_name = ${check} ${since === undefined ? sql`` : sql`AND at >= ${since}`}
        ORDER BY at DESC, id DESC LIMIT ${limit}`;
    },

    async lastRuns() {
      const rows = await sql<{ check: CheckName; at: Date }[]>`
        SELECT check_name AS check, at FROM check_runs WHERE target_id = ${targetId}`;
      return new Map(rows.map(({ check, at }) => [check, at]));
    },

    usage: (windowDays) => readUsage(sql, targetId, windowDays),
    safeguards: () => readSafeguards(sql, targetId),
    effects: (filter) => selectEffects(sql, targetId, filter),
    lasted: (objects, each) => selectLasted(sql, targetId, objects, each),
    gauges: (filter) => readGauges(sql, targetId, filter),
    learned: (kind) => selectLearnings(sql, targetId, kind),
    followUps: () => selectLatestFollowUps(sql, targetId),
    rollbackPoints: (jobId) => selectRollbackPoints(sql, jobId, targetId),
    watch: (id) => selectWatch(sql, targetId, id),
    customTemplate: (name, version) => selectTemplate(sql, name, version),
    careLayers: () => selectLayers(sql, targetId),
    backups: () => selectBackups(sql, targetId),
  };
}
