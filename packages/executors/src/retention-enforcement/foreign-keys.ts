import type { TargetReader } from '@slacktide/application/ports';
import type { Count, Counter } from './counting.ts';

export type OnDelete = 'CASCADE' | 'SET NULL' | 'SET DEFAULT' | 'RESTRICT' | 'NO ACTION';

/** A foreign key to a table rows are deleted from, enforced by the server. */
export interface ForeignKey {
  readonly oid: number;
  /** Quoted by the server, as all names here. */
  readonly constraint: string;
  readonly table: string;
  readonly tableOid: number;
  readonly onDelete: OnDelete;
  readonly columns: readonly string[];
  readonly referenced: readonly string[];
  /** One for each pair of columns, e.g. `OPERATOR(pg_catalog.=)`. */
  readonly operators: readonly string[];
  /** An index of the referencing table begins with its columns: without one every deleted row reads that table. */
  readonly indexed: boolean;
  /** The GRANT without which the referencing table cannot be looked into; null = it can. */
  readonly grant: string | null;
}

/** What deleting does to a referencing table, at any depth. */
export interface FanOut extends ForeignKey {
  /** 1 = refers to the table itself. */
  readonly depth: number;
  /** Rows that refer to those that would go. */
  readonly rows: Count;
}

/** NOT ENFORCED (18) does nothing. Of keys that a partition has from its table, those that act on it. */
const foreignKeysSql = `
SELECT k.oid, format('%I', k.conname) AS constraint, format('%I.%I', n.nspname, c.relname) AS table, k.conrelid AS "tableOid",
  CASE k.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' WHEN 'r' THEN 'RESTRICT' ELSE 'NO ACTION' END AS "onDelete",
  ARRAY(SELECT format('%I', a.attname) FROM unnest(k.conkey) WITH ORDINALITY u (n, i) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n
    ORDER BY i) AS columns,
  ARRAY(SELECT format('%I', a.attname) FROM unnest(k.confkey) WITH ORDINALITY u (n, i) JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n
    ORDER BY i) AS referenced,
  ARRAY(SELECT format('OPERATOR(%I.%s)', m.nspname, o.oprname) FROM unnest(k.conpfeqop) WITH ORDINALITY u (op, i) JOIN pg_operator o ON o.oid = u.op
    JOIN pg_namespace m ON m.oid = o.oprnamespace ORDER BY i) AS operators,
  EXISTS (SELECT FROM pg_index x WHERE x.indrelid = k.conrelid AND x.indisvalid AND x.indpred IS NULL
    AND (x.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey) AS indexed,
  nullif(concat_ws('; ', CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
    CASE WHEN NOT has_table_privilege(c.oid, 'SELECT') THEN format('GRANT SELECT ON TABLE %I.%I TO %I', n.nspname, c.relname, current_user) END), '') AS "grant"
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.confrelid = $1::oid AND to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false'
  AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = k.conparentid AND p.confrelid = k.confrelid)
ORDER BY c.oid, k.oid`;

export function readForeignKeys(reader: TargetReader, tableOid: number): Promise<ForeignKey[]> {
  return reader.query<ForeignKey>(foreignKeysSql, [tableOid]);
}

/** Deeper chains are cut: whoever builds them has read the warning long before. */
const deepest = 5;

/** Rows that would go: of which table, and which. */
interface Going {
  readonly from: string;
  readonly condition: string;
  readonly parameters: readonly unknown[];
}

/** All tables that deleting from this one reaches, following CASCADE; a table is followed once. `counter` null = nothing is counted. */
export async function readFanOut(
  reader: TargetReader,
  tableOid: number,
  going: Going,
  counter: Counter | null,
): Promise<readonly FanOut[]> {
  const found: FanOut[] = [];
  const followed = new Set<number>([tableOid]);
  const follow = async (oid: number, { from, condition, parameters }: Going, depth: number): Promise<void> => {
    for (const key of await readForeignKeys(reader, oid)) {
      const of = joinSql(key, `t${depth}`, `t${depth - 1}`);
      const reached = `EXISTS (SELECT FROM ${from} AS t${depth - 1} WHERE ${of} AND (${condition}))`;
      const sql = `SELECT count(*)::float8 AS rows FROM ${key.table} AS t${depth} WHERE ${reached}`;
      found.push({ ...key, depth, rows: counter === null ? null : await counter.count(sql, parameters) });
      if (key.onDelete !== 'CASCADE' || depth === deepest || followed.has(key.tableOid)) continue;
      followed.add(key.tableOid);
      await follow(key.tableOid, { from: key.table, condition: reached, parameters }, depth + 1);
    }
  };
  await follow(tableOid, going, 1);
  return found;
}

/** SQL: the row of `referencing` refers to that of `referenced`. */
export function joinSql(key: ForeignKey, referencing: string, referenced: string): string {
  return key.columns
    .map((column, i) => `${referenced}.${key.referenced[i]} ${key.operators[i]} ${referencing}.${column}`)
    .join(' AND ');
}

/** Whether deleting would change other tables. */
export function reachesOut({ onDelete }: Pick<ForeignKey, 'onDelete'>): boolean {
  return onDelete === 'CASCADE' || onDelete === 'SET NULL' || onDelete === 'SET DEFAULT';
}
