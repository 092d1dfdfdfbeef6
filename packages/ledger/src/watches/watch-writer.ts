import type { WatchWriter } from '@slacktide/application/ports';
import type { Fragment } from 'postgres';
import type { LedgerSql } from '../sql.ts';
import { toWatch, type WatchRow } from './watch-row.ts';

/** Watches in a transaction. */
export function createWatchWriter(sql: LedgerSql): WatchWriter {
  // A look on its way is waited for: without a worker looks would pile up.
  const isDue = (): Fragment => sql`
    watches.state IN ('prepared', 'open') AND watches.next_look_at <= now()
    AND NOT EXISTS (SELECT FROM jobs WHERE jobs.target_id = watches.target_id AND jobs.finished_at IS NULL AND jobs.id = watches.look_job_id)`;
  const isWorse = (): Fragment => sql`
    watches.state = 'worse' AND watches.rollback_job_id IS NULL AND watches.roll_back_when_worse`;

  /** Targets are locked before what belongs to them, as whoever deletes one does; a target that is gone has no watches any more. */
  const take = async (condition: () => Fragment, limit: number) => {
    await sql`
      SELECT FROM targets WHERE id IN (SELECT target_id FROM watches WHERE ${condition()} ORDER BY next_look_at, id LIMIT ${limit})
      ORDER BY id FOR KEY SHARE`;
    const rows = await sql<WatchRow[]>`
      SELECT watches.* FROM watches WHERE ${condition()} AND EXISTS (SELECT FROM targets WHERE targets.id = watches.target_id)
      ORDER BY next_look_at, id LIMIT ${limit} FOR UPDATE OF watches SKIP LOCKED`;
    return rows.map(toWatch);
  };

  return {
    takeDue: (limit) => take(isDue, limit),
    takeWorse: (limit) => take(isWorse, limit),

    async looking(id, jobId) {
      await sql`
        UPDATE watches SET look_job_id = ${jobId}, next_look_at = now() + make_interval(secs => look_every_seconds) WHERE id = ${id}`;
    },

    async rollingBack(id, jobId) {
      await sql`UPDATE watches SET rollback_job_id = ${jobId} WHERE id = ${id}`;
    },
  };
}
