import type { TargetReader } from '@slacktide/application/ports';

/** Where a partition stands now. */
export interface PartitionState {
  readonly quoted: string;
  /** Null = it is attached to nothing. */
  readonly parentOid: number | null;
  readonly bound: string | null;
  readonly pending: boolean;
}

const stateSql = `
SELECT format('%I.%I', n.nspname, c.relname) AS quoted, i.inhparent AS "parentOid", pg_get_expr(c.relpartbound, c.oid) AS bound,
  coalesce(i.inhdetachpending, false) AS pending
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
WHERE c.oid = $1::oid`;

/** Undefined = there is no such table any more. */
export async function readPartitionState(reader: TargetReader, oid: number): Promise<PartitionState | undefined> {
  const [state] = await reader.query<PartitionState>(stateSql, [oid]);
  return state;
}
