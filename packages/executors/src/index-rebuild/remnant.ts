import type { NewRemnant, PlannedStep, TargetReader } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { z } from 'zod';
import type { IndexState } from './index-state.ts';

/** What has to be known, before REINDEX CONCURRENTLY begins, to tell later what it left behind and how far it came. */
const rebuildProof = z.object({
  /** Key of the step. */
  step: z.string(),
  system_identifier: z.string(),
  database: z.string(),
  schema: z.string(),
  index: z.string(),
  /** The index as it was: afterwards it is the one that is dropped. */
  index_oid: z.number(),
  table_oid: z.number(),
  definition: z.string(),
  /** Every index of the table, valid or not: what is new since then may be ours. */
  indexes_before: z.array(z.number()),
  /** Of the session that rebuilds. */
  application_name: z.string(),
});
export type RebuildProof = z.infer<typeof rebuildProof>;

/** Undefined for a record that was not written here. */
export function readProof(proof: JsonObject): RebuildProof | undefined {
  return rebuildProof.safeParse(proof).data;
}

/** What a rebuild of this index may leave behind. `reader` belongs to the session that rebuilds. */
export async function rebuildRemnant(reader: TargetReader, step: PlannedStep, before: IndexState): Promise<NewRemnant> {
  const { applicationName, epoch } = reader.identity;
  const [row] = await reader.query<{ database: string; indexes: number[] }>(
    `SELECT current_database()::text AS database, ARRAY(SELECT indexrelid FROM pg_index WHERE indrelid = $1::oid ORDER BY 1) AS indexes`,
    [before.tableOid],
  );
  if (row === undefined) throw new Error('expected one row');
  const proof: RebuildProof = {
    step: step.key,
    system_identifier: epoch.systemIdentifier,
    database: row.database,
    schema: step.object.schema ?? '',
    index: step.object.name,
    index_oid: before.oid,
    table_oid: before.tableOid,
    definition: before.definition,
    indexes_before: row.indexes,
    application_name: applicationName,
  };
  return { kind: 'index', proof };
}
