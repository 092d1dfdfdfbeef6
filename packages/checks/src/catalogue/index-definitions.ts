import type { TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';
import { despiteLocks } from './despite-locks.ts';
import { exclusivelyLockedSql } from './exclusively-locked.ts';
import { buildsCorruptIndexes } from './new-index-name.ts';

/** One position of an index's key. Equal but for `ordering` = it answers the same conditions. */
export interface KeyElement {
  /** Attribute number in the table; 0 = an expression. */
  readonly column: number;
  /** As the server prints it; null for a column. */
  readonly expression: string | null;
  /** Family and types of the operator class: classes with the same ones behave alike (varchar_ops and text_ops). */
  readonly operatorClass: string;
  /** OID; 0 = not collatable. */
  readonly collation: number;
  /** Parameters of the operator class, sorted. */
  readonly parameters: readonly string[] | null;
  /** Bit 0 = DESC, bit 1 = NULLS FIRST. */
  readonly ordering: number;
}

/** An index of a user's table, as the catalogue and the server's counters show it. */
export interface IndexDefinition {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  readonly tableOid: number;
  /** Has no storage of its own: what is attached to it has. */
  readonly partitioned: boolean;
  /** The partitioned index it is attached to; null = it is topmost. */
  readonly parentOid: number | null;
  /** Access method, e.g. `btree`. */
  readonly method: string;
  /** Used by the planner. */
  readonly valid: boolean;
  /** Kept up to date by writes. */
  readonly ready: boolean;
  /** False while it is being dropped. */
  readonly live: boolean;
  readonly keys: readonly KeyElement[];
  /** Attribute numbers of INCLUDE, sorted. */
  readonly included: readonly number[];
  /** As the server prints it; null = none. */
  readonly predicate: string | null;
  readonly unique: boolean;
  readonly primary: boolean;
  readonly nullsNotDistinct: boolean;
  /** False = uniqueness is checked at COMMIT. */
  readonly immediate: boolean;
  /** OIDs of the operators of the exclusion constraint; null = it has none. */
  readonly exclusion: string | null;
  /** As given, e.g. `pages_per_range=32`; without fillfactor. */
  readonly storageOptions: readonly string[];
  /** Name of the constraint that it backs. */
  readonly constraint: string | null;
  /** A foreign key refers to what it makes unique. */
  readonly foreignKeyTarget: boolean;
  readonly replicaIdentity: boolean;
  readonly clustered: boolean;
  /** Somebody holds, or waits for, ACCESS EXCLUSIVE on the table or one of its indexes: nothing that would wait was read. */
  readonly locked: boolean;
  /** 0 when partitioned or locked. */
  readonly sizeBytes: number;
  readonly tableSizeBytes: number;
  /** This server's counters, since they were last reset. */
  readonly scans: number;
  /** Entries that writes made: inserted rows, and updated ones that were not HOT. */
  readonly indexWrites: number;
  /** Servers from 16 on tell; null = never, or unknown. */
  readonly lastScanAt: Date | null;
  /** CREATE INDEX, of this index alone; empty when locked. */
  readonly definition: string;
  /** Would collect what ANALYZE collects of its expressions; null = it has none. */
  readonly createStatistics: string | null;
  /** Concurrently, unless partitioned: the server refuses that. */
  readonly drop: string;
  /** Brings it back, in its tablespace, attached and commented as it was. */
  readonly restore: readonly string[];
}

/** `unreadable` = gone while it was read. */
type Row = Omit<IndexDefinition, 'definition'> & { readonly definition: string | null };

/**
 * Every index of every user's table, or of those of `tableOids`, without temporary, TOAST and extensions' ones. Anybody may read all of it. Takes no lock above ACCESS
 * SHARE, and does not wait for locks that are held or waited for when it begins.
 */
export async function readIndexDefinitions(
  reader: TargetReader,
  tableOids: readonly number[] | null = null,
): Promise<IndexDefinition[]> {
  const rows = await despiteLocks(() => reader.query<Row>(indexesSql(reader.serverVersion), [tableOids]));
  return rows.flatMap(({ definition, ...row }) => {
    if (definition === null && !row.locked) return [];
    return [{ ...row, definition: definition ?? '' }];
  });
}

function indexesSql(serverVersion: number): string {
  const nullsNotDistinct = serverVersion >= 150_000 ? 'x.indnullsnotdistinct' : 'false';
  const lastScanAt = serverVersion >= 160_000 ? 'pg_stat_get_lastscan(x.indexrelid)' : 'NULL::timestamptz';
  return `
WITH locked AS MATERIALIZED (
  SELECT coalesce(i.indrelid, l.relation) AS oid FROM (${exclusivelyLockedSql}) l LEFT JOIN pg_index i ON i.indexrelid = l.relation
), tables AS MATERIALIZED (
  SELECT c.oid, n.nspname, c.relname, c.oid IN (SELECT oid FROM locked) AS locked, c.relkind,
    (pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid) - pg_stat_get_tuples_hot_updated(c.oid))::float8 AS writes
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm', 'p') AND c.relhasindex AND ${usersTableSql} AND ($1::oid[] IS NULL OR c.oid = ANY ($1))
), indexes AS MATERIALIZED (
  SELECT i.*, x.relkind, x.relname, x.relam, x.reloptions, x.reltablespace, t.locked, t.writes, t.nspname, t.relname AS "table",
    CASE WHEN NOT t.locked AND t.relkind <> 'p' THEN pg_relation_size(t.oid)::float8 END AS size,
    format('%I.%I', t.nspname, x.relname) AS quoted,
    CASE WHEN NOT t.locked THEN pg_get_indexdef(x.oid) END AS definition,
    CASE WHEN NOT t.locked THEN pg_get_expr(i.indpred, i.indrelid) END AS predicate
  FROM pg_index i JOIN tables t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
  WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = x.oid AND d.deptype = 'e')
)
SELECT x.indexrelid AS oid, x.nspname::text AS schema, x.relname::text AS name, x."table"::text, x.indrelid AS "tableOid",
  x.relkind = 'I' AS partitioned, p.oid AS "parentOid", m.amname::text AS method,
  x.indisvalid AS valid, x.indisready AS ready, x.indislive AS live,
  e.keys, ARRAY(SELECT DISTINCT a::int4 FROM unnest((x.indkey::int2[])[x.indnkeyatts:x.indnatts - 1]) AS a ORDER BY 1) AS included,
  x.predicate, x.indisunique AS "unique", x.indisprimary AS "primary", ${nullsNotDistinct} AS "nullsNotDistinct",
  x.indimmediate AS immediate, CASE WHEN x.indisexclusion THEN coalesce(con.conexclop::text, '') END AS exclusion,
  ARRAY(SELECT o FROM unnest(x.reloptions) AS o WHERE o !~ '^fillfactor=' ORDER BY o) AS "storageOptions",
  con.conname::text AS "constraint", x.indexrelid IN (SELECT conindid FROM pg_constraint WHERE contype = 'f') AS "foreignKeyTarget",
  x.indisreplident AS "replicaIdentity", x.indisclustered AS clustered, x.locked,
  CASE WHEN NOT x.locked AND x.relkind = 'i' THEN coalesce(pg_relation_size(x.indexrelid), 0)::float8 ELSE 0 END AS "sizeBytes",
  coalesce(x.size, 0) AS "tableSizeBytes", pg_stat_get_numscans(x.indexrelid)::float8 AS scans, x.writes AS "indexWrites",
  ${lastScanAt} AS "lastScanAt", x.definition,
  format('CREATE STATISTICS %I.%I ON ', x.nspname, left(x.relname, 50) || '_statistics') || e.expressions
    || format(' FROM %I.%I', x.nspname, x."table") AS "createStatistics",
  CASE WHEN x.relkind = 'I' THEN 'DROP INDEX ' ELSE 'DROP INDEX CONCURRENTLY ' END || x.quoted AS drop,
  array_remove(ARRAY[
    CASE WHEN x.relkind = 'I' OR ${buildsCorruptIndexes(serverVersion)} THEN r.head
      ELSE regexp_replace(r.head, '^CREATE (UNIQUE )?INDEX ', 'CREATE \\1INDEX CONCURRENTLY ') END
      || coalesce(' TABLESPACE ' || quote_ident(s.spcname), '') || r.tail,
    CASE WHEN p.oid IS NOT NULL THEN format('ALTER INDEX %I.%I ATTACH PARTITION %s', pn.nspname, p.relname, x.quoted) END,
    format('COMMENT ON INDEX %s IS ', x.quoted) || quote_literal(d.description)
  ], NULL) AS restore
FROM indexes x
JOIN pg_am m ON m.oid = x.relam
CROSS JOIN LATERAL (SELECT coalesce(' WHERE ' || x.predicate, '') AS tail) AS w
CROSS JOIN LATERAL (SELECT w.tail, left(x.definition, length(x.definition) - length(w.tail)) AS head) AS r
CROSS JOIN LATERAL (
  SELECT string_agg(v.expression, ', ' ORDER BY k) AS expressions, json_agg(json_build_object(
    'column', x.indkey[k - 1], 'expression', v.expression,
    'operatorClass', concat_ws('/', o.opcfamily, o.opcintype, o.opckeytype),
    'collation', x.indcollation[k - 1]::int8,
    'parameters', (SELECT json_agg(p ORDER BY p) FROM unnest(a.attoptions) AS p),
    'ordering', x.indoption[k - 1]) ORDER BY k) AS keys
  FROM generate_series(1, x.indnkeyatts) AS k
    JOIN pg_opclass o ON o.oid = x.indclass[k - 1] JOIN pg_attribute a ON a.attrelid = x.indexrelid AND a.attnum = k
    CROSS JOIN LATERAL (SELECT CASE WHEN x.indkey[k - 1] = 0 AND NOT x.locked THEN pg_get_indexdef(x.indexrelid, k, false) END) AS v (expression)
) AS e
LEFT JOIN pg_inherits h ON h.inhrelid = x.indexrelid
LEFT JOIN pg_class p ON p.oid = h.inhparent
LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
LEFT JOIN pg_constraint con ON con.conindid = x.indexrelid AND con.contype IN ('p', 'u', 'x')
LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace
LEFT JOIN pg_description d ON d.objoid = x.indexrelid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
ORDER BY x.nspname, x.relname`;
}
