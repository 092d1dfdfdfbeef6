import type { NewRemnant, TargetReader } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { z } from 'zod';
import type { ConcurrentWork } from './concurrent-work.ts';

/** What has to be known, before a CONCURRENTLY statement begins, to tell later what it left behind and how far it came. */
const concurrentProof = z.object({
  /** Records of the release before were of rebuilds only. */
  operation: z.enum(['create', 'reindex', 'drop']).default('reindex'),
  /** Key of the step. */
  step: z.string(),
  system_identifier: z.string(),
  database: z.string(),
  schema: z.string(),
  index: z.string(),
  /** The index as it was; null = there was none of this name. */
  index_oid: z.number().nullable(),
  table_oid: z.number(),
  definition: z.string().nullable(),
  /** Queries could use it before: what a drop cut short has to bring back. */
  was_usable: z.boolean().default(true),
  /** Every index of the table, valid or not: what is new since then may be ours. */
  indexes_before: z.array(z.number()),
  /** Of the session that acts. */
  application_name: z.string(),
});
export type ConcurrentProof = z.infer<typeof concurrentProof>;

/** Undefined for a record that was not written here. */
export function readConcurrentProof(proof: JsonObject): ConcurrentProof | undefined {
  return concurrentProof.safeParse(proof).data;
}

interface Before {
  readonly database: string;
  readonly indexes: readonly number[];
  readonly oid: number | null;
  readonly definition: string | null;
  readonly usable: boolean;
}

/** What this statement may leave behind. `reader` belongs to the session that will send it. */
export async function concurrentRemnant(reader: TargetReader, work: ConcurrentWork): Promise<NewRemnant> {
  const { applicationName, epoch } = reader.identity;
  const [before] = await reader.query<Before>(
    `SELECT current_database()::text AS database, ARRAY(SELECT indexrelid FROM pg_index WHERE indrelid = $1::oid ORDER BY 1) AS indexes,
  own.oid, pg_get_indexdef(own.oid) AS definition, coalesce(own.usable, false) AS usable
FROM (VALUES (1)) AS one LEFT JOIN (
  SELECT c.oid, (i.indisvalid AND i.indisready AND i.indislive) AS usable
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index i ON i.indexrelid = c.oid
  WHERE n.nspname::text = $2::text AND c.relname::text = $3::text AND c.relkind = 'i') AS own ON true`,
    [work.tableOid, work.schema, work.index],
  );
  if (before === undefined) throw new Error('expected one row');
  const proof: ConcurrentProof = {
    operation: work.operation,
    step: work.step,
    system_identifier: epoch.systemIdentifier,
    database: before.database,
    schema: work.schema,
    index: work.index,
    index_oid: before.oid,
    table_oid: work.tableOid,
    definition: before.definition,
    was_usable: before.usable,
    indexes_before: [...before.indexes],
    application_name: applicationName,
  };
  return { kind: 'index', proof };
}
