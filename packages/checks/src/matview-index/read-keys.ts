import type { TargetReader } from '@slacktide/application/ports';
import type { IsKey } from './candidates.ts';

/** Heirs of a table may repeat its keys; partitions cannot. */
const keysSql = `
SELECT DISTINCT i.indrelid AS relation, i.indkey[0]::int AS column
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE i.indrelid = ANY ($1::oid[]) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] <> 0
  AND (c.relkind = 'p' OR NOT c.relhassubclass)`;

/** Which columns of these relations are unique by themselves. */
export async function readKeys(reader: TargetReader, relations: readonly number[]): Promise<IsKey> {
  const rows = await reader.query<{ relation: number; column: number }>(keysSql, [[...new Set(relations)]]);
  const keys = new Set(rows.map(({ relation, column }) => `${relation} ${column}`));
  return (relation, column) => keys.has(`${relation} ${column}`);
}
