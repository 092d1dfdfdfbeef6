import type { TargetReader } from '@slacktide/application/ports';
import { exclusivelyLockedSql } from '../catalogue/exclusively-locked.ts';
import { partitionTreeSql } from '../catalogue/partition-tree.ts';

/** A table that holds rows, as a table itself or as a leaf of `root`; a partitioned table without leaves stands for itself. */
export interface TreeTable {
  readonly root: number;
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** Estimated as the planner does, or by the counters; null = not known, because somebody has it locked. */
  readonly rows: number | null;
  readonly sizeBytes: number | null;
  /** By this server's counters, since they were last reset. */
  readonly deletes: number;
  /** No more keys than this were changed: an update of a key is never HOT. */
  readonly updatesNotHot: number;
}

/** Bytes a row takes, as the planner guesses it where nothing was ever counted. */
const guessedRowBytes = `(28 + (SELECT sum(CASE WHEN a.attlen > 0 THEN a.attlen ELSE 32 END)
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))`;

const tablesSql = `
WITH RECURSIVE ${partitionTreeSql('tree', 'SELECT unnest($1::oid[]) AS root')},
storage AS (
  SELECT t.root, c.*, n.nspname, bool_or(c.relkind = 'r') OVER (PARTITION BY t.root) AS leaves
  FROM tree t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace)
SELECT c.root, c.oid, c.nspname::text AS schema, c.relname::text AS name, round(greatest(nullif(live, 0), CASE
      WHEN c.relkind = 'p' THEN 0
      WHEN c.reltuples > 0 AND c.relpages > 0
        THEN c.reltuples::float8 / c.relpages * coalesce(bytes / current_setting('block_size')::float8, c.relpages)
      WHEN bytes IS NOT NULL THEN CASE WHEN live > 0 THEN 0 ELSE bytes / ${guessedRowBytes} END
      WHEN c.reltuples >= 0 THEN c.reltuples END))::float8 AS rows,
  bytes AS "sizeBytes", pg_stat_get_tuples_deleted(c.oid)::float8 AS deletes,
  greatest(0, pg_stat_get_tuples_updated(c.oid) - pg_stat_get_tuples_hot_updated(c.oid))::float8 AS "updatesNotHot"
FROM storage c
CROSS JOIN LATERAL (SELECT pg_stat_get_live_tuples(c.oid)::float8 AS live,
  CASE WHEN c.relkind = 'p' THEN 0 WHEN c.oid NOT IN (${exclusivelyLockedSql}) THEN pg_relation_size(c.oid)::float8 END AS bytes) m
WHERE c.relkind = 'r' OR (c.oid = c.root AND NOT c.leaves)
ORDER BY c.root, c.nspname, c.relname`;

/** What holds the rows of `roots`. Anybody may read it; tables under ACCESS EXCLUSIVE are not measured: that would wait for the lock. */
export function readTables(reader: TargetReader, roots: readonly number[]): Promise<readonly TreeTable[]> {
  return reader.query<TreeTable>(tablesSql, [roots]);
}
