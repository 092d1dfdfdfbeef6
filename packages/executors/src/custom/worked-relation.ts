import type { TargetReader } from '@slacktide/application/ports';

/** The relation that a statement works on, as it is now. */
export interface WorkedRelation {
  readonly oid: number;
  /** Whose locks are taken: of an index its table. */
  readonly tableOid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  readonly isIndex: boolean;
}

/** Undefined when there is none of this name. */
export async function readWorkedRelation(
  reader: TargetReader,
  schema: string,
  name: string,
): Promise<WorkedRelation | undefined> {
  const [relation] = await reader.query<WorkedRelation>(
    `SELECT c.oid, coalesce(i.indrelid, c.oid) AS "tableOid", n.nspname::text AS schema, c.relname::text AS name,
  format('%I.%I', n.nspname, c.relname) AS quoted, i.indexrelid IS NOT NULL AS "isIndex"
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE n.nspname::text = $1::text AND c.relname::text = $2::text`,
    [schema, name],
  );
  return relation;
}
