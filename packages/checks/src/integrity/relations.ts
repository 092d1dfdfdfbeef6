import { TargetError, type TargetReader } from '@slacktide/application/ports';

/** An index, or a table, materialized view or TOAST table: something with a file that can be verified. */
export interface RelationRow {
  readonly oid: number;
  readonly kind: 'index' | 'table' | 'matview' | 'toast_table';
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** Of an index, its table, in the same schema; null for others. */
  readonly table: string | null;
  /** OID of that table; of others their own. */
  readonly tableOid: number;
  /** The table that a TOAST table, or its index, belongs to, quoted; null for others. */
  readonly toastOf: string | null;
  /** Why it is left out by rule; null = it is not. */
  readonly excluded: string | null;
  /** Somebody has, or waits for, a lock on it, or on what is read along with it, that ours would wait for. */
  readonly locked: boolean;
  /** Null when it is locked or left out. */
  readonly sizeBytes: number | null;
  /** Of an index, that of its table; of a table, that of its TOAST table. */
  readonly companionBytes: number | null;
  /** OIDs of the collations an index sorts by. */
  readonly collations: readonly number[];
}

/** Why the check leaves GIN indexes out; INDEX_CONSISTENCY_CHECK does not, where amcheck can verify them. */
export const uncheckedGin = 'no_check_for gin';

/** What a SHARE lock, and what an ACCESS SHARE lock, waits for. */
const conflictsOfShare = [
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
];
export const conflictsOf = { share: conflictsOfShare, accessShare: ['AccessExclusiveLock'] };

/** Catalogues, extensions and TOAST included: everything that is stored, but for temporary tables, whose pages are their session's. */
const relationsSql = `
WITH locks AS MATERIALIZED (
  SELECT DISTINCT relation, mode FROM pg_locks WHERE locktype = 'relation' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))),
locked AS MATERIALIZED (SELECT DISTINCT relation FROM locks WHERE mode = 'AccessExclusiveLock'),
index_locked AS MATERIALIZED (SELECT DISTINCT relation FROM locks WHERE mode = ANY ($1::text[])),
heaps AS MATERIALIZED (
  SELECT c.oid, c.relname, n.nspname, c.relkind, m.amname, c.reltoastrelid, c.oid IN (SELECT relation FROM locked) AS locked,
    c.relpersistence = 'u' AND pg_is_in_recovery() AS empty_here,
    CASE WHEN c.oid NOT IN (SELECT relation FROM locked) THEN pg_relation_size(c.oid)::float8 END AS size_bytes
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam
  WHERE c.relkind IN ('r', 'm', 't') AND c.relpersistence <> 't'),
owners AS MATERIALIZED (SELECT reltoastrelid, format('%I.%I', nspname, relname) AS quoted FROM heaps WHERE reltoastrelid <> 0)
SELECT x.oid, 'index' AS kind, h.nspname::text AS schema, x.relname::text AS name, format('%I.%I', h.nspname, x.relname) AS quoted,
  h.relname::text AS "table", h.oid AS "tableOid", o.quoted AS "toastOf",
  CASE WHEN NOT (i.indisvalid AND i.indisready AND i.indislive) THEN 'invalid_index'
    WHEN m.amname <> 'btree' THEN 'no_check_for ' || m.amname WHEN h.empty_here THEN 'unlogged_on_standby' END AS excluded,
  l.locked, CASE WHEN NOT l.locked THEN pg_relation_size(x.oid)::float8 END AS "sizeBytes", h.size_bytes AS "companionBytes",
  ARRAY(SELECT DISTINCT c::int8::float8 FROM unnest(i.indcollation::oid[]) AS c WHERE c <> 0) AS collations
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam JOIN heaps h ON h.oid = i.indrelid
  LEFT JOIN owners o ON o.reltoastrelid = h.oid
  CROSS JOIN LATERAL (SELECT x.oid IN (SELECT relation FROM index_locked) OR h.oid IN (SELECT relation FROM index_locked)
    OR x.oid IN (SELECT relation FROM locked) AS locked) AS l
WHERE x.relkind = 'i'
UNION ALL
SELECT h.oid, CASE h.relkind WHEN 't' THEN 'toast_table' WHEN 'm' THEN 'matview' ELSE 'table' END, h.nspname::text, h.relname::text,
  format('%I.%I', h.nspname, h.relname), NULL, h.oid, o.quoted,
  CASE WHEN h.amname <> 'heap' THEN 'no_check_for ' || h.amname WHEN h.empty_here THEN 'unlogged_on_standby' END,
  h.locked OR coalesce(t.locked, false), h.size_bytes, t.size_bytes, '{}'
FROM heaps h LEFT JOIN heaps t ON t.oid = h.reltoastrelid LEFT JOIN owners o ON o.reltoastrelid = h.oid
ORDER BY oid`;

const attempts = 3;

/**
 * By OID: catalogues first. `indexConflicts` are the lock modes that the check of an index would wait for. Somebody may lock a relation between
 * the look at pg_locks and that at its size: then everything is read again. @throws TargetError
 */
export async function readRelations(
  reader: TargetReader,
  indexConflicts: readonly string[],
): Promise<readonly RelationRow[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await reader.query<RelationRow>(relationsSql, [indexConflicts]);
    } catch (error) {
      if (!(error instanceof TargetError) || error.code !== 'lock_timeout' || attempt === attempts) throw error;
    }
  }
}
