import type { TargetReader } from '@slacktide/application/ports';
import { isWorkingCopyName } from '@slacktide/targets';
import { despiteLocks } from './despite-locks.ts';
import { type InvalidSighting, indexesFromSql, usableSql } from './invalid-indexes.ts';

/** An invalid index nobody works on. Statements are quoted by the server. */
export interface InvalidIndex {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  /** `schema.name`, quoted. */
  readonly quoted: string;
  readonly quotedTable: string;
  /** Has no storage of its own: what is attached to it has. */
  readonly partitioned: boolean;
  /** The table whose TOAST table it is on, `schema.name` unquoted; null = it is on no TOAST table. */
  readonly toastOf: string | null;
  /** Planned with. */
  readonly valid: boolean;
  /** Kept up to date by writes. */
  readonly ready: boolean;
  /** False while it is being dropped, and when that was cut short. */
  readonly live: boolean;
  readonly unique: boolean;
  readonly exclusion: boolean;
  /** Constraint that needs it: one that it backs, or a foreign key that refers to what it makes unique. */
  readonly constraint: string | null;
  readonly replicaIdentity: boolean;
  /** The partitioned index that it is attached to, `schema.name` unquoted. */
  readonly parent: string | null;
  readonly parentUsable: boolean | null;
  readonly sizeBytes: number;
  /** Since the server's counters were last reset. An index that was never valid has none. */
  readonly scans: number;
  readonly definition: string;
  readonly dropSql: string;
  /** CONCURRENTLY, unless it is an exclusion constraint's: PostgreSQL refuses that. */
  readonly reindexSql: string;
  /** Makes it again, CONCURRENTLY and in its tablespace. */
  readonly restore: string;
  readonly tableSizeBytes: number;
  /** Counts the keys that occur more than once; null unless the index is unique. */
  readonly duplicatesSql: string | null;
  /** Our role may run `duplicatesSql`, sees all rows, and no function of a user's would run with our rights. */
  readonly duplicatesCountable: boolean;
  /** The index of which REINDEX CONCURRENTLY left this one behind; null = it was not REINDEX. */
  readonly workingCopyOf: { readonly name: string; readonly usable: boolean } | null;
  /** A usable index on the same table that does the same. */
  readonly twin: string | null;
}

interface Sibling {
  readonly tableOid: number;
  readonly oid: number;
  readonly name: string;
  readonly usable: boolean;
  readonly likeness: string;
}
type Row = Omit<InvalidIndex, 'workingCopyOf' | 'twin'> & { readonly tableOid: number };

/**
 * SQL expression on pg_index `i` and its pg_class `x`: equal for indexes that do the same on the same table or on partitions of it, whatever
 * their names and storage options. Opens the table: not for tables under ACCESS EXCLUSIVE.
 */
export const likenessSql = `jsonb_build_array(x.relam, i.indisunique, i.indisexclusion, to_jsonb(i) -> 'indnullsnotdistinct', i.indnkeyatts,
    ARRAY(SELECT pg_get_indexdef(x.oid, k, false) FROM generate_series(1, i.indnatts) AS k),
    ARRAY(SELECT a.attoptions::text FROM pg_attribute a WHERE a.attrelid = x.oid ORDER BY a.attnum),
    i.indclass::text, i.indcollation::text, i.indoption::text, pg_get_expr(i.indpred, i.indrelid))::text`;

/** NULLs are equal only where the index says so (15). The types' own equality is the index's, but for operator classes of users' making. */
const detailsSql = `
SELECT x.oid, s.nspname::text AS schema, x.relname::text AS name, t.relname::text AS "table", t.oid AS "tableOid",
  format('%I.%I', s.nspname, x.relname) AS quoted, format('%I.%I', s.nspname, t.relname) AS "quotedTable",
  x.relkind = 'I' AS partitioned, CASE WHEN o.oid IS NOT NULL THEN concat(n.nspname, '.', c.relname) END AS "toastOf",
  i.indisvalid AS valid, i.indisready AS ready, i.indislive AS live, i.indisunique AS "unique", i.indisexclusion AS exclusion,
  k.conname AS "constraint", i.indisreplident AS "replicaIdentity",
  ps.nspname || '.' || px.relname AS parent, p.usable AS "parentUsable",
  CASE WHEN x.relkind = 'i' THEN coalesce(pg_relation_size(x.oid), 0) ELSE 0 END::float8 AS "sizeBytes",
  pg_stat_get_numscans(x.oid)::float8 AS scans, d.definition,
  format('DROP INDEX CONCURRENTLY %I.%I', s.nspname, x.relname) AS "dropSql",
  format('REINDEX INDEX %s%I.%I', CASE WHEN NOT i.indisexclusion THEN 'CONCURRENTLY ' END, s.nspname, x.relname) AS "reindexSql",
  regexp_replace(left(d.definition, length(d.definition) - length(d.tail)), '^CREATE (UNIQUE )?INDEX ', 'CREATE \\1INDEX CONCURRENTLY ')
    || coalesce(' TABLESPACE ' || quote_ident(z.spcname), '') || d.tail AS restore,
  CASE WHEN t.relkind = 'p' THEN 0 ELSE coalesce(pg_relation_size(t.oid), 0) END::float8 AS "tableSizeBytes",
  CASE WHEN i.indisunique THEN format('SELECT count(*) AS duplicate_keys FROM (SELECT 1 FROM %I.%I%s GROUP BY %s HAVING count(*) > 1) AS d',
    s.nspname, t.relname, ' WHERE ' || nullif(concat_ws(' AND ', pg_get_expr(i.indpred, i.indrelid), e.present), ''), e.keys) END AS "duplicatesSql",
  t.relkind IN ('r', 'm') AND i.indexprs IS NULL AND i.indpred IS NULL AND e.builtin
    AND has_schema_privilege(s.oid, 'USAGE') AND has_table_privilege(t.oid, 'SELECT') AND NOT row_security_active(t.oid) AS "duplicatesCountable"
FROM ${indexesFromSql}
LEFT JOIN (SELECT conindid, min(conname::text) AS conname FROM pg_constraint WHERE conindid <> 0 GROUP BY 1) k ON k.conindid = x.oid
LEFT JOIN pg_inherits h ON h.inhrelid = x.oid
LEFT JOIN (SELECT i.indexrelid, ${usableSql} AS usable FROM pg_index i) p ON p.indexrelid = h.inhparent
LEFT JOIN pg_class px ON px.oid = h.inhparent LEFT JOIN pg_namespace ps ON ps.oid = px.relnamespace
LEFT JOIN pg_tablespace z ON z.oid = x.reltablespace
CROSS JOIN LATERAL (SELECT pg_get_indexdef(x.oid) AS definition, coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '') AS tail) d
CROSS JOIN LATERAL (
  SELECT string_agg(key, ', ' ORDER BY place) AS keys, bool_and(builtin) AS builtin,
    CASE WHEN coalesce(to_jsonb(i) ->> 'indnullsnotdistinct', 'false') = 'false'
      THEN string_agg(key || ' IS NOT NULL', ' AND ' ORDER BY place) END AS present
  FROM (SELECT place, pg_get_indexdef(x.oid, place, false) AS key, y.typnamespace = 'pg_catalog'::regnamespace AS builtin
    FROM generate_series(1, i.indnkeyatts) AS place JOIN pg_attribute a ON a.attrelid = x.oid AND a.attnum = place JOIN pg_type y ON y.oid = a.atttypid) key
) e
WHERE x.oid = ANY ($1::oid[])
ORDER BY 2, 3`;

const siblingsSql = `
SELECT i.indrelid AS "tableOid", x.oid, x.relname::text AS name, ${usableSql} AS usable, ${likenessSql} AS likeness
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = ANY ($1::oid[])
ORDER BY x.relname`;

/** Details of the sighted indexes that nobody works on and no lock hides; those dropped since are left out. */
export async function readInvalidIndexDetails(
  reader: TargetReader,
  sightings: readonly InvalidSighting[],
): Promise<InvalidIndex[]> {
  const oids = sightings.filter(({ work, locked }) => work === 'none' && !locked).map(({ oid }) => oid);
  if (oids.length === 0) return [];
  return despiteLocks(async () => {
    const rows = (await reader.query<Row>(detailsSql, [oids])).filter(({ definition }) => definition !== null);
    const tableOids = [...new Set(rows.map(({ tableOid }) => tableOid))];
    const siblings = Map.groupBy(await reader.query<Sibling>(siblingsSql, [tableOids]), ({ tableOid }) => tableOid);
    return rows.map(({ tableOid, ...row }) => ({ ...row, ...compare(row, siblings.get(tableOid) ?? []) }));
  });
}

/** What REINDEX makes does exactly what the index does that it is made from: with the name, that is proof. */
function compare(
  { oid, name }: Pick<Row, 'oid' | 'name'>,
  siblings: readonly Sibling[],
): Pick<InvalidIndex, 'workingCopyOf' | 'twin'> {
  const own = siblings.find((sibling) => sibling.oid === oid);
  const alike = siblings.filter((sibling) => sibling.oid !== oid && sibling.likeness === own?.likeness);
  const base = alike.find((sibling) => isWorkingCopyName(name, sibling.name));
  return {
    workingCopyOf: base === undefined ? null : { name: base.name, usable: base.usable },
    twin: alike.find(({ usable }) => usable)?.name ?? null,
  };
}
