import type { TargetReader } from '@slacktide/application/ports';
import { despiteLocks } from '../catalogue/despite-locks.ts';
import { exclusivelyLockedSql } from '../catalogue/exclusively-locked.ts';
import { likenessSql } from '../catalogue/invalid-index-details.ts';
import { usableSql } from '../catalogue/invalid-indexes.ts';
import { freeIndexNameSql, indexNameBaseSql } from '../catalogue/new-index-name.ts';

/** A partition as an incomplete partitioned index sees it. Statements are quoted by the server; null = there is none. */
export interface PartitionPart {
  /** The topmost incomplete index. */
  readonly root: number;
  /** The incomplete index, at or below `root`, that this is a partition of. */
  readonly whole: number;
  /** `schema.name`, unquoted. */
  readonly partition: string;
  readonly partitioned: boolean;
  readonly foreign: boolean;
  readonly locked: boolean;
  /** Its part of the index, where it has one. */
  readonly attached: string | null;
  readonly attachedUsable: boolean | null;
  /** An index that does the same, and only has to be attached. */
  readonly match: string | null;
  /** A constraint goes with the index: its part has to be a constraint's, too. */
  readonly constraint: boolean;
  /** Rebuilds the part it has. */
  readonly reindexSql: string | null;
  /** Builds the part that it lacks, CONCURRENTLY. */
  readonly createSql: string | null;
  readonly dropSql: string | null;
  /** Attaches the part it has, the match, or what `createSql` makes; makes the server look whether the whole is complete. */
  readonly attachSql: string | null;
}

/**
 * The head of a partitioned index's definition is known to the letter, so that what follows it is found whatever the names hold. Attaching
 * once more an index that is attached makes the server validate the whole.
 */
const gapsSql = `
WITH RECURSIVE tree AS (
  SELECT i.indexrelid AS root, i.indexrelid AS oid, i.indrelid, 1 AS depth FROM pg_index i WHERE i.indexrelid = ANY ($1::oid[])
  UNION ALL
  SELECT tree.root, i.indexrelid, i.indrelid, tree.depth + 1 FROM tree JOIN pg_inherits h ON h.inhparent = tree.oid
    JOIN pg_index i ON i.indexrelid = h.inhrelid JOIN pg_class x ON x.oid = i.indexrelid
  WHERE x.relkind = 'I' AND NOT ${usableSql}
), locked AS MATERIALIZED (${exclusivelyLockedSql}),
whole AS MATERIALIZED (
  SELECT tree.root, tree.oid, tree.indrelid, tree.depth, x.relname, format('%I.%I', s.nspname, x.relname) AS quoted, i.indisunique AS is_unique,
    ${likenessSql} AS likeness, pg_get_indexdef(x.oid) AS definition,
    format('CREATE %sINDEX %I ON ONLY %I.%I USING ', CASE WHEN i.indisunique THEN 'UNIQUE ' END, x.relname, s.nspname, t.relname) AS head,
    (SELECT min(k.contype) FROM pg_constraint k WHERE k.conrelid = t.oid AND k.conindid = x.oid AND k.contype IN ('p', 'u', 'x')) AS contype
  FROM tree JOIN pg_index i ON i.indexrelid = tree.oid JOIN pg_class x ON x.oid = tree.oid JOIN pg_namespace s ON s.oid = x.relnamespace
    JOIN pg_class t ON t.oid = tree.indrelid
), parts AS MATERIALIZED (
  SELECT whole.root, whole.oid AS whole, p.oid, p.relname, p.relnamespace, p.relkind, s.nspname, quote_ident(s.nspname) || '.' AS quoted_schema, a.oid AS attached, a.relname AS attached_name,
    a.usable, EXISTS (SELECT FROM locked WHERE relation IN (p.oid, a.oid)) AS locked
  FROM whole JOIN pg_inherits h ON h.inhparent = whole.indrelid AND NOT h.inhdetachpending
    JOIN pg_class p ON p.oid = h.inhrelid JOIN pg_namespace s ON s.oid = p.relnamespace
    LEFT JOIN (SELECT h.inhparent, i.indrelid, x.oid, x.relname, ${usableSql} AS usable
      FROM pg_inherits h JOIN pg_index i ON i.indexrelid = h.inhrelid JOIN pg_class x ON x.oid = i.indexrelid) a
      ON a.inhparent = whole.oid AND a.indrelid = p.oid
)
SELECT parts.root, parts.whole, concat(parts.nspname, '.', parts.relname) AS partition, parts.relkind = 'p' AS partitioned, parts.relkind = 'f' AS "foreign",
  parts.locked, parts.attached_name::text AS attached, parts.usable AS "attachedUsable", m.name AS match,
  whole.contype IS NOT NULL AS "constraint", CASE WHEN whole.contype = 'x' THEN 'REINDEX INDEX ' ELSE 'REINDEX INDEX CONCURRENTLY ' END || parts.quoted_schema || quote_ident(parts.attached_name) AS "reindexSql",
  CASE WHEN whole.is_unique THEN 'CREATE UNIQUE INDEX CONCURRENTLY ' ELSE 'CREATE INDEX CONCURRENTLY ' END || quote_ident(f.name)
    || format(' ON %s%I USING ', parts.quoted_schema, parts.relname)
    || CASE WHEN starts_with(whole.definition, whole.head) THEN substr(whole.definition, length(whole.head) + 1) END AS "createSql",
  'DROP INDEX CONCURRENTLY IF EXISTS ' || parts.quoted_schema || quote_ident(f.name) AS "dropSql",
  format('ALTER INDEX %s ATTACH PARTITION ', whole.quoted) || parts.quoted_schema
    || quote_ident(coalesce(parts.attached_name::text, m.name, f.name)) AS "attachSql"
FROM parts JOIN whole ON whole.root = parts.root AND whole.oid = parts.whole
LEFT JOIN LATERAL (
  SELECT min(x.relname::text) AS name FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
  WHERE parts.attached IS NULL AND NOT parts.locked AND i.indrelid = parts.oid AND NOT x.relispartition AND ${usableSql}
    AND (i.indnatts, i.indisunique) = (SELECT w.indnatts, w.indisunique FROM pg_index w WHERE w.indexrelid = whole.oid)
    AND NOT EXISTS (SELECT FROM locked WHERE relation = x.oid)
    AND (whole.contype IS NULL OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = parts.oid AND k.conindid = x.oid AND k.contype = whole.contype))
    AND ${likenessSql} = whole.likeness
) m ON true
LEFT JOIN LATERAL (
  SELECT ${freeIndexNameSql('parts.relnamespace', 'base.name', '0')} AS name
  FROM (SELECT ${indexNameBaseSql("concat(parts.relname, '_', whole.relname)")} AS name) base
  WHERE parts.attached IS NULL AND m.name IS NULL AND parts.relkind IN ('r', 'p')
) f ON true
ORDER BY parts.root, whole.depth DESC, partition`;

/** Every direct partition of the incomplete partitioned indexes `roots`, and of what is incomplete below them; deepest first. */
export async function readPartitionParts(reader: TargetReader, roots: readonly number[]): Promise<PartitionPart[]> {
  if (roots.length === 0) return [];
  return despiteLocks(() => reader.query<PartitionPart>(gapsSql, [roots]));
}
