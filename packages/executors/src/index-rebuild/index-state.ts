import type { TargetReader } from '@slacktide/application/ports';
import { reindexRightsSql, validSql } from './index-facts.ts';

/** What a rebuild must keep and what it must change. */
export interface IndexState {
  readonly oid: number;
  readonly tableOid: number;
  readonly quoted: string;
  readonly valid: boolean;
  readonly exclusionConstraint: boolean;
  /** Access method, e.g. `btree`. */
  readonly method: string;
  /** Percent; the default of btree is 90. */
  readonly fillfactor: number;
  readonly permitted: boolean;
  readonly grant: string | null;
  /** pg_get_indexdef: the same text for the same index. */
  readonly definition: string;
  readonly fileNode: number;
  readonly sizeBytes: number;
  /** Rows by the last count of the index; -1 = never counted. */
  readonly rows: number;
}

/** The index of this name as it is now; undefined when there is none. By name, for a rebuilt index has another OID. */
export async function readIndexState(
  reader: TargetReader,
  schema: string,
  name: string,
): Promise<IndexState | undefined> {
  const rights = reindexRightsSql(reader.serverVersion);
  const [state] = await reader.query<IndexState>(
    `SELECT c.oid, t.oid AS "tableOid", format('%I.%I', n.nspname, c.relname) AS quoted, ${validSql} AS valid,
  i.indisexclusion AS "exclusionConstraint", am.amname::text AS method,
  coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 90) AS fillfactor,
  ${rights.permitted} AS permitted, ${rights.grant} AS "grant",
  pg_get_indexdef(c.oid) AS definition, pg_relation_filenode(c.oid)::int8::float8 AS "fileNode",
  pg_relation_size(c.oid)::float8 AS "sizeBytes", c.reltuples::float8 AS rows
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_am am ON am.oid = c.relam
WHERE n.nspname::text = $1::text AND c.relname::text = $2::text AND c.relkind = 'i'`,
    [schema, name],
  );
  return state;
}
