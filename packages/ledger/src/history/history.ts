import type { History } from '@slacktide/application/ports';
import { pruneActRecords } from '../act-records/create-act-records.ts';
import { pruneBackups } from '../backups/backup-writer.ts';
import { pruneFollowUps } from '../follow-ups/create-follow-up-store.ts';
import { sweepKeys } from '../idempotency.ts';
import { pruneRemnants } from '../recoveries/create-remnants.ts';
import type { LedgerPool } from '../sql.ts';
import { pruneDeadLetters } from '../upkeep/settle-message.ts';
import { dropDay } from './drop-day.ts';
import { listDays } from './list-days.ts';

/** Job history in day partitions; `prune` also forgets expired idempotency keys, and what was left on targets and is long gone. */
export function createHistory(sql: LedgerPool): History {
  return {
    async ensurePartitions(daysAhead) {
      await sql`SELECT ensure_history_day(now() + n * interval '1 day') FROM generate_series(0, ${daysAhead}::int) AS n`;
    },

    async prune(retentionHours) {
      await sweepKeys(sql);
      await pruneRemnants(sql);
      await pruneActRecords(sql);
      await pruneDeadLetters(sql);
      await pruneFollowUps(sql);
      await pruneBackups(sql);
      const droppedDays: string[] = [];
      for (const day of await listDays(sql, retentionHours)) {
        if (await dropDay(sql, day)) droppedDays.push(day);
      }
      return { droppedDays };
    },
  };
}
