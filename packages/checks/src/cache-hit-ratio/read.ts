import type { TargetReader } from '@slacktide/application/ports';

/** Block counters of the database, since its counters were last reset. */
export interface BlockCounters {
  readonly database: string;
  readonly blocksHit: number;
  readonly blocksRead: number;
  /** As the server prints it; empty = never, or lost in a crash. */
  readonly statsReset: string;
}

const countersSql = `
SELECT datname::text AS database, blks_hit::float8 AS "blocksHit", blks_read::float8 AS "blocksRead",
  coalesce(stats_reset::text, '') AS "statsReset"
FROM pg_stat_database WHERE datname = current_database()`;

/** Anybody may read these. */
export async function readBlockCounters(reader: TargetReader): Promise<BlockCounters> {
  const [row] = await reader.query<BlockCounters>(countersSql);
  if (row === undefined) throw new Error('expected the row of our own database in pg_stat_database');
  return row;
}
