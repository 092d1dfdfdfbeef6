import type { TargetReader } from '@slacktide/application/ports';
import type { ActRun } from './act-run.ts';
import type { ConcurrentEnd, ConcurrentLimits } from './concurrent-work.ts';
import { runConcurrently } from './run-concurrently.ts';
import type { ConcurrentStatement } from './statement-kind.ts';

/** `runConcurrently` for a statement of which only the text is known. Undefined = what it names is not there, and nothing was sent. */
export async function runConcurrentText(
  run: ActRun,
  statement: string,
  { operation, relation, index }: ConcurrentStatement,
  step: string,
  limits: ConcurrentLimits,
): Promise<ConcurrentEnd | undefined> {
  const table = await readTableOf(run.observer, relation);
  if (table === undefined) return undefined;
  const work = { operation, statement, tableOid: table.oid, schema: table.schema, index: unquoted(index), step };
  return await runConcurrently(run, work, limits);
}

/** The table that a table or an index is, or belongs to; undefined when it is not there. `relation` = `schema.name`, quoted. */
export async function readTableOf(
  reader: TargetReader,
  relation: string,
): Promise<{ readonly oid: number; readonly schema: string } | undefined> {
  const [row] = await reader.query<{ oid: number; schema: string }>(
    `SELECT coalesce(i.indrelid, c.oid) AS oid, n.nspname::text AS schema
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.oid = to_regclass($1)`,
    [relation],
  );
  return row;
}

/** A name as the catalogue has it. */
function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
