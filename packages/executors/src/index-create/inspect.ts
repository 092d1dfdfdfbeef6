import { inspectConcurrent } from '@slacktide/acting';
import type { Inspection, InterruptedWork, TargetReader } from '@slacktide/application/ports';
import { resolveTable } from '@slacktide/targets';
import type { IndexCreateConfig } from './schema.ts';

interface Found {
  readonly key: string;
  readonly usable: boolean;
  readonly attached: boolean;
  readonly onRoot: boolean;
}

/** Whether the work came to its end all the same: of a partitioned table, every index is there, attached, and the whole is valid. */
export async function inspectCreate(
  reader: TargetReader,
  work: InterruptedWork<IndexCreateConfig>,
): Promise<Inspection> {
  const table = await resolveTable(reader, work.config.table);
  if (table.kind !== 'found') return { kind: 'not_done' };
  if (table.relation.relkind !== 'p') return await inspectConcurrent(reader, work);
  const keys = work.steps.map(({ key }) => key);
  const found = await reader.query<Found>(
    `SELECT format('%I.%I', n.nspname, x.relname) AS key, (i.indisvalid AND i.indisready AND i.indislive) AS usable,
  x.relispartition AS attached, i.indrelid = $2::oid AS "onRoot"
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace
WHERE format('%I.%I', n.nspname, x.relname) = ANY ($1::text[])`,
    [keys, table.relation.oid],
  );
  const isThere = (key: string): boolean =>
    found.some((index) => index.key === key && index.usable && (index.attached || index.onRoot));
  if (keys.length === 0 || !keys.every(isThere)) return { kind: 'not_done' };
  const foundDone = work.steps.filter(({ state }) => state !== 'SUCCEEDED').map(({ key }) => key);
  if (foundDone.length === 0) return { kind: 'not_done' };
  return { kind: 'done', result: { planned: keys.length, done: keys.length, found_done: foundDone } };
}
