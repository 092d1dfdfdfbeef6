import type { ConfigProblem, TargetReader } from '@slacktide/application/ports';
import { type RelationRef, resolveTable } from '@slacktide/targets';
import { type Hold, resolveHolds } from './holds.ts';
import type { RetentionRule } from './schema.ts';
import { axisTypeOf, type Cutoff, readCutoff, type TimeAxis } from './time-axis.ts';

/** A rule as the catalogue understands it. */
export interface ResolvedRule {
  readonly rule: RetentionRule;
  /** Where it stands in the configuration, e.g. `/rules/0`. */
  readonly pointer: string;
  readonly table: RelationRef;
  readonly axis: TimeAxis;
  readonly cutoff: Cutoff;
  readonly holds: readonly Hold[];
  readonly method: 'drop' | 'detach' | 'delete';
}

interface TableRow {
  readonly column: string;
  /** Null = no type of the server's own. */
  readonly type: string | null;
  /** r range, l list, h hash; null = not partitioned. */
  readonly strategy: string | null;
  /** It is partitioned by this column, and nothing else. */
  readonly isKey: boolean;
  /** Tables that inherit from it without being its partitions. */
  readonly heirs: readonly string[];
  /** Tables whose foreign keys refer to it, or to a table it is a partition of. */
  readonly referencing: readonly string[];
}

const tableSql = `
WITH RECURSIVE branches (relid) AS (
  SELECT $1::oid UNION ALL SELECT i.inhrelid FROM branches JOIN pg_inherits i ON i.inhparent = branches.relid
    JOIN pg_class k ON k.oid = i.inhrelid AND k.relkind = 'p')
SELECT format('%I', a.attname) AS column, CASE WHEN b.typnamespace = 'pg_catalog'::regnamespace THEN b.typname::text END AS type,
  pt.partstrat::text AS strategy, coalesce(pt.partnatts = 1 AND pt.partattrs[0] = a.attnum, false) AS "isKey",
  ARRAY(SELECT format('%I.%I', n.nspname, k.relname) FROM pg_inherits i JOIN pg_class k ON k.oid = i.inhrelid JOIN pg_namespace n ON n.oid = k.relnamespace
    WHERE i.inhparent = $1::oid AND NOT k.relispartition ORDER BY 1) AS heirs,
  ARRAY(SELECT DISTINCT format('%I.%I', n.nspname, k.relname) FROM pg_constraint f JOIN pg_class k ON k.oid = f.conrelid
    JOIN pg_namespace n ON n.oid = k.relnamespace
    WHERE f.contype = 'f' AND f.conparentid = 0 AND f.confrelid IN (SELECT relid FROM pg_partition_ancestors($1::oid) UNION SELECT relid FROM branches)
    ORDER BY 1) AS referencing
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_type b ON b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
  LEFT JOIN pg_partitioned_table pt ON pt.partrelid = a.attrelid
WHERE a.attrelid = $1::oid AND a.attname::text = $2::text AND a.attnum > 0 AND NOT a.attisdropped`;

/** Finds out what a rule means on this target; what it can never mean is refused. */
export async function resolveRule(
  reader: TargetReader,
  rule: RetentionRule,
  pointer: string,
): Promise<ResolvedRule | { readonly problems: readonly ConfigProblem[] }> {
  const refuse = (key: string, code: string, detail: string) => ({
    problems: [{ pointer: `${pointer}${key}`, code, detail }],
  });
  const resolution = await resolveTable(reader, rule.table);
  const named = JSON.stringify(rule.table);
  if (resolution.kind !== 'found')
    return refuse('/table', `${resolution.kind}_table`, `Table ${named}: ${resolution.detail}.`);
  const table = resolution.relation;
  if (table.exclusion !== null || table.relkind === 'm')
    return refuse('/table', 'excluded_table', `${table.quoted} is not a table of users' own rows.`);
  const [row] = await reader.query<TableRow>(tableSql, [table.oid, rule.column]);
  if (row === undefined)
    return refuse('/column', 'unknown_column', `${table.quoted} has no column ${JSON.stringify(rule.column)}.`);
  const type = axisTypeOf(row.type, rule.unit);
  if (type === undefined) return refuse(...columnProblem(table, rule, row));
  const method = methodOf(rule, table, row);
  if ('code' in method) return refuse('/method', method.code, method.detail);
  const { holds, problems } = await resolveHolds(reader, table.oid, rule.legal_hold, pointer);
  if (problems.length > 0) return { problems };
  const cutoff = await readCutoff(reader, type, rule);
  return { rule, pointer, table, axis: { column: row.column, type }, cutoff, holds, method: method.method };
}

function columnProblem(
  { quoted }: RelationRef,
  { unit }: RetentionRule,
  { column, type }: TableRow,
): [string, string, string] {
  const isInteger = type !== null && /^int[248]$/.test(type);
  if (isInteger)
    return ['/unit', 'unit_needed', `${column} of ${quoted} is an integer: say what it counts since 1970.`];
  if (unit !== null && type !== null && /^(date|timestamp|timestamptz)$/.test(type))
    return ['/unit', 'unit_not_wanted', `${column} of ${quoted} is of type ${type}, which needs no unit.`];
  return ['/column', 'column_type', `${column} of ${quoted} is neither date, timestamp, timestamptz nor an integer.`];
}

function methodOf(
  { method }: RetentionRule,
  { quoted }: RelationRef,
  { column, strategy, isKey, heirs, referencing }: TableRow,
): { readonly method: ResolvedRule['method'] } | { readonly code: string; readonly detail: string } {
  const byRange = strategy === 'r' && isKey;
  const isDelete = method === 'delete' || (method === 'auto' && !byRange);
  if (isDelete) {
    return heirs.length === 0
      ? { method: 'delete' }
      : { code: 'has_heirs', detail: `Tables inherit from ${quoted}: name each of them, ${heirs.join(', ')}.` };
  }
  if (!byRange) {
    const how = strategy === null ? 'is not partitioned' : 'is not partitioned by RANGE of it alone';
    return { code: 'not_partitioned_by_column', detail: `${quoted} ${how}: ${column}.` };
  }
  if (referencing.length > 0) {
    const detail = `Foreign keys refer to ${quoted}: ${referencing.join(', ')}. Its partitions can neither be detached nor dropped.`;
    return { code: 'referenced_by_foreign_keys', detail };
  }
  return { method: method === 'detach_partitions' ? 'detach' : 'drop' };
}
