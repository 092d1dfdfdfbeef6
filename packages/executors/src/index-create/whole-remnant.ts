import { sweepConcurrent } from '@slacktide/acting';
import type { NewRemnant, PlannedStep, Remnant, TargetReader, TargetSession } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { z } from 'zod';
import { dropShortly } from './drop-shortly.ts';
import type { StepData } from './step-data.ts';

/** What proves later that a partitioned index without its parts is ours. */
const wholeProof = z.object({
  operation: z.literal('create_partitioned'),
  step: z.string(),
  system_identifier: z.string(),
  database: z.string(),
  schema: z.string(),
  index: z.string(),
  table_oid: z.number(),
  /** Every index of the table: what is new since then may be ours. */
  indexes_before: z.array(z.number()),
});
export type WholeProof = z.infer<typeof wholeProof>;

export function readWholeProof(proof: JsonObject): WholeProof | undefined {
  return wholeProof.safeParse(proof).data;
}

export async function wholeRemnant(reader: TargetReader, step: PlannedStep, data: StepData): Promise<NewRemnant> {
  const [now] = await reader.query<{ database: string; indexes: readonly number[] }>(
    `SELECT current_database()::text AS database, ARRAY(SELECT indexrelid FROM pg_index WHERE indrelid = $1::oid ORDER BY 1) AS indexes`,
    [data.tableOid],
  );
  if (now === undefined) throw new Error('expected one row');
  const proof: WholeProof = {
    operation: 'create_partitioned',
    step: step.key,
    system_identifier: reader.identity.epoch.systemIdentifier,
    database: now.database,
    schema: data.schema,
    index: data.name,
    table_oid: data.tableOid,
    indexes_before: [...now.indexes],
  };
  return { kind: 'index', proof };
}

interface OwnWhole {
  readonly oid: number;
  readonly quoted: string;
  readonly parts: number;
}

/** The partitioned index of this record, where it is there; undefined on another system or database, too. */
export async function findOwnWhole(reader: TargetReader, proof: WholeProof): Promise<OwnWhole | undefined> {
  if (reader.identity.epoch.systemIdentifier !== proof.system_identifier) return undefined;
  const [own] = await reader.query<OwnWhole>(
    `SELECT x.oid, format('%I.%I', n.nspname, x.relname) AS quoted, (SELECT count(*)::int FROM pg_inherits h WHERE h.inhparent = x.oid) AS parts
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace
WHERE i.indrelid = $1::oid AND n.nspname::text = $2::text AND x.relname::text = $3::text AND x.relkind = 'I' AND NOT i.indisvalid
  AND x.oid <> ALL ($4::oid[]) AND current_database()::text = $5::text`,
    [proof.table_oid, proof.schema, proof.index, proof.indexes_before, proof.database],
  );
  return own;
}

/** As `sweepConcurrent`, and for a partitioned index that has got no part yet: that is dropped. One with parts is for the next run to go on with. */
export async function sweepCreated(session: TargetSession, remnant: Remnant): ReturnType<typeof sweepConcurrent> {
  const proof = readWholeProof(remnant.proof);
  if (proof === undefined) return await sweepConcurrent(session, remnant);
  const own = await findOwnWhole(session, proof);
  if (own === undefined) return { outcome: 'absent', note: `nothing is left of ${proof.step}` };
  if (own.parts > 0) return { outcome: 'kept', note: `${own.quoted} has parts: INDEX_CREATE goes on with it` };
  await dropShortly(session, `DROP INDEX ${own.quoted}`);
  return { outcome: 'swept', note: `dropped ${own.quoted}` };
}
