import type { TargetReader } from '@slacktide/application/ports';
import { createRightsSql } from './tables.ts';

/** What the catalogue says now of a step's table, its index and the index above it. */
export interface StepState {
  /** Null = the table is gone. */
  readonly table: string | null;
  readonly permitted: boolean;
  readonly grant: string | null;
  /** What has the index's name; null = nothing. */
  readonly oid: number | null;
  /** It is an index of the step's table. */
  readonly isOwn: boolean;
  readonly usable: boolean;
  readonly sizeBytes: number | null;
  /** The partitioned index that it is attached to, `schema.name` quoted. */
  readonly attachedTo: string | null;
  /** The partitioned index it is to be attached to is there. */
  readonly parentThere: boolean;
}

const stateSql = `
SELECT CASE WHEN c.oid IS NOT NULL THEN format('%I.%I', n.nspname, c.relname) END AS "table", coalesce(${createRightsSql.permitted}, false) AS permitted, ${createRightsSql.grant} AS "grant",
  x.oid, coalesce(i.indrelid = $1::oid, false) AS "isOwn", coalesce(i.indisvalid AND i.indisready AND i.indislive, false) AS usable,
  CASE WHEN x.relkind = 'i' THEN pg_relation_size(x.oid)::float8 END AS "sizeBytes",
  (SELECT format('%I.%I', pn.nspname, p.relname) FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
   WHERE h.inhrelid = x.oid) AS "attachedTo",
  EXISTS (SELECT FROM pg_class p JOIN pg_namespace pn ON pn.oid = p.relnamespace
    WHERE p.relkind = 'I' AND format('%I.%I', pn.nspname, p.relname) = $4::text) AS "parentThere"
FROM (VALUES (1)) AS one
LEFT JOIN pg_class c ON c.oid = $1::oid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (pg_class x JOIN pg_namespace xn ON xn.oid = x.relnamespace) ON xn.nspname::text = $2::text AND x.relname::text = $3::text
LEFT JOIN pg_index i ON i.indexrelid = x.oid`;

export async function readStepState(
  reader: TargetReader,
  step: { readonly tableOid: number; readonly schema: string; readonly name: string; readonly parent: string | null },
): Promise<StepState> {
  const [state] = await reader.query<StepState>(stateSql, [step.tableOid, step.schema, step.name, step.parent]);
  if (state === undefined) throw new Error('expected one row');
  return state;
}

/** What the index of the named table still lacks. */
export interface Completeness {
  readonly usable: boolean;
  /** Partitions without a usable part of it, `schema.name` quoted. */
  readonly missing: readonly string[];
}

const completenessSql = `
WITH RECURSIVE wholes AS (
  SELECT i.indexrelid AS oid, i.indrelid, (i.indisvalid AND i.indisready AND i.indislive) AS usable
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace
  WHERE i.indrelid = $1::oid AND format('%I.%I', n.nspname, x.relname) = $2::text
), tree AS (
  SELECT oid, indrelid, usable, true AS top FROM wholes
  UNION ALL
  SELECT part.indexrelid, h.inhrelid, coalesce(part.usable, false), false
  FROM tree JOIN pg_inherits h ON h.inhparent = tree.indrelid AND NOT h.inhdetachpending
    JOIN pg_class p ON p.oid = h.inhrelid AND p.relispartition
    LEFT JOIN LATERAL (SELECT i.indexrelid, (i.indisvalid AND i.indisready AND i.indislive) AS usable
      FROM pg_inherits a JOIN pg_index i ON i.indexrelid = a.inhrelid WHERE a.inhparent = tree.oid AND i.indrelid = h.inhrelid) part ON true
)
SELECT coalesce((SELECT usable FROM wholes), false) AS usable,
  ARRAY(SELECT format('%I.%I', n.nspname, c.relname) FROM tree JOIN pg_class c ON c.oid = tree.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT tree.usable AND NOT tree.top AND c.relkind <> 'p' ORDER BY 1) AS missing`;

/** `index` is that of the named table, `schema.name` quoted. */
export async function readCompleteness(reader: TargetReader, rootOid: number, index: string): Promise<Completeness> {
  const [completeness] = await reader.query<Completeness>(completenessSql, [rootOid, index]);
  if (completeness === undefined) throw new Error('expected one row');
  return completeness;
}
