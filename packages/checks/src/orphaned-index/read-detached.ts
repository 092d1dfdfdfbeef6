import type { TargetReader } from '@slacktide/application/ports';
import { objectKey } from '@slacktide/domain';
import { usersTableSql } from '@slacktide/targets';
import { despiteLocks } from '../catalogue/despite-locks.ts';
import { exclusivelyLockedSql } from '../catalogue/exclusively-locked.ts';
import { likenessSql } from '../catalogue/invalid-index-details.ts';
import { usableSql } from '../catalogue/invalid-indexes.ts';
import { namedAfter } from './named-after.ts';

/** An index named and made as on a partition, of a table that is none. */
export interface DetachedIndex {
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  /** The partitioned table and index that it looks like a part of, `schema.name` unquoted. */
  readonly partitionedTable: string;
  readonly partitionedIndex: string;
  readonly sizeBytes: number;
  readonly definition: string;
}

export interface DetachedIndexes {
  readonly found: readonly DetachedIndex[];
  /** `schema.name` of those that were too many to look into. */
  readonly unjudged: readonly string[];
}

/** Tables that are looked into in one run. */
const mostTables = 200;

interface Table {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
}
interface Candidate {
  readonly tableOid: number;
  readonly schema: string;
  readonly name: string;
}
interface Definition extends Candidate {
  readonly table: string;
  readonly partitioned: boolean;
  readonly likeness: string;
  readonly sizeBytes: number;
  readonly definition: string | null;
}

const unlockedSql = `c.oid NOT IN (SELECT relation FROM (${exclusivelyLockedSql}) l WHERE relation IS NOT NULL)`;

const partitionedTablesSql = `
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'p' AND c.relhasindex AND ${usersTableSql} AND ${unlockedSql}`;

const singleIndexesSql = `
SELECT i.indrelid AS "tableOid", n.nspname::text AS schema, x.relname::text AS name
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND NOT c.relispartition AND ${usableSql} AND ${usersTableSql} AND ${unlockedSql}
  AND c.oid NOT IN (SELECT inhrelid FROM pg_inherits) AND c.oid NOT IN (SELECT inhparent FROM pg_inherits)
ORDER BY 2, 3`;

const columnsSql = `
SELECT attrelid AS oid, md5(string_agg(concat_ws(' ', attname, atttypid, attcollation), ',' ORDER BY attname)) AS columns FROM pg_attribute
WHERE attnum > 0 AND NOT attisdropped AND attrelid = ANY ($1::oid[]) GROUP BY 1`;

/** The constraint that an index backs goes with what it does. */
const definitionsSql = `
SELECT i.indrelid AS "tableOid", s.nspname::text AS schema, x.relname::text AS name, t.relname::text AS "table", x.relkind = 'I' AS partitioned,
  concat((SELECT min(k.contype) FROM pg_constraint k WHERE k.conrelid = i.indrelid AND k.conindid = x.oid AND k.contype IN ('p', 'u', 'x')), ${likenessSql}) AS likeness,
  CASE WHEN x.relkind = 'i' THEN coalesce(pg_relation_size(x.oid), 0) ELSE 0 END::float8 AS "sizeBytes", pg_get_indexdef(x.oid) AS definition
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace s ON s.oid = x.relnamespace JOIN pg_class t ON t.oid = i.indrelid
WHERE i.indrelid = ANY ($1::oid[]) AND (x.relkind = 'I' OR ${usableSql})
  AND x.oid NOT IN (SELECT relation FROM (${exclusivelyLockedSql}) l WHERE relation IS NOT NULL)
ORDER BY s.nspname, x.relname`;

/**
 * PostgreSQL keeps no trace of a detached partition. It is told by all of: an index whose name starts with the partitioned table's, the same
 * columns of the same types, and an index that does what a partitioned one does, constraint included.
 */
export async function readDetachedIndexes(reader: TargetReader): Promise<DetachedIndexes> {
  const wholes = await reader.query<Table>(partitionedTablesSql);
  if (wholes.length === 0) return { found: [], unjudged: [] };
  const pairs = namedAfter(await reader.query<Candidate>(singleIndexesSql), wholes);
  const oids = new Set(pairs.flatMap(({ candidate, wholes }) => [candidate.tableOid, ...wholes.map(({ oid }) => oid)]));
  const columns = new Map(
    (await reader.query<{ oid: number; columns: string }>(columnsSql, [[...oids]])).map((row) => [
      row.oid,
      row.columns,
    ]),
  );
  const alike = pairs.flatMap(({ candidate, wholes }) => {
    const whole = wholes.find(({ oid }) => columns.get(oid) === columns.get(candidate.tableOid));
    return whole === undefined ? [] : [{ candidate, whole }];
  });
  const tables = new Set([...new Set(alike.map(({ candidate }) => candidate.tableOid))].slice(0, mostTables));
  const looked = alike.filter(({ candidate }) => tables.has(candidate.tableOid));
  const definitions = await readDefinitions(reader, [...tables, ...new Set(looked.map(({ whole }) => whole.oid))]);
  return {
    found: looked.flatMap(({ candidate, whole }) => match(candidate, whole, definitions) ?? []),
    unjudged: alike
      .filter(({ candidate }) => !tables.has(candidate.tableOid))
      .map(({ candidate }) => objectKey(candidate)),
  };
}

type Definitions = ReadonlyMap<number, readonly Definition[]>;

async function readDefinitions(reader: TargetReader, tableOids: readonly number[]): Promise<Definitions> {
  if (tableOids.length === 0) return new Map();
  const rows = await despiteLocks(() => reader.query<Definition>(definitionsSql, [tableOids]));
  return Map.groupBy(rows, ({ tableOid }) => tableOid);
}

function match(candidate: Candidate, whole: Table, definitions: Definitions): DetachedIndex | null {
  const own = definitions.get(candidate.tableOid)?.find(({ name }) => name === candidate.name);
  const part = definitions
    .get(whole.oid)
    ?.find(({ partitioned, likeness }) => partitioned && likeness === own?.likeness);
  if (own === undefined || part === undefined || own.definition === null) return null;
  const { schema, name, table, sizeBytes, definition } = own;
  return {
    schema,
    name,
    table,
    sizeBytes,
    definition,
    partitionedTable: objectKey(whole),
    partitionedIndex: objectKey(part),
  };
}
