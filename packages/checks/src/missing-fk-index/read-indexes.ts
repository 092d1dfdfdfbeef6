import type { TargetReader } from '@slacktide/application/ports';

/** One position of the key of an index. */
export interface IndexKey {
  /** Null = an expression. */
  readonly column: string | null;
  /** Its number in this table: partitions may have their own. */
  readonly attribute: number;
  readonly collation: number;
  /** OID of the operator family. */
  readonly family: number;
}

export interface TableIndex {
  readonly tableOid: number;
  readonly name: string;
  /** Access method, e.g. `btree`. */
  readonly method: string;
  /** Valid, ready and live. */
  readonly usable: boolean;
  /** Node tree of the predicate, as pg_index has it; null = none. */
  readonly predicate: string | null;
  readonly keys: readonly IndexKey[];
}

const indexesSql = `
SELECT i.indrelid AS "tableOid", ic.relname::text AS name, am.amname::text AS method, i.indisvalid AND i.indisready AND i.indislive AS usable,
  i.indpred::text AS predicate,
  (SELECT json_agg(json_build_object('column', (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[p - 1]),
      'attribute', i.indkey[p - 1], 'collation', i.indcollation[p - 1]::int8,
      'family', (SELECT oc.opcfamily FROM pg_opclass oc WHERE oc.oid = i.indclass[p - 1])::int8) ORDER BY p)
   FROM generate_series(1, i.indnkeyatts) AS p) AS keys
FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
WHERE i.indrelid = ANY ($1::oid[])
ORDER BY i.indrelid, ic.relname`;

/** Reads the catalogue alone, and opens no relation: nothing here waits for a lock. */
export function readIndexes(reader: TargetReader, tables: readonly number[]): Promise<readonly TableIndex[]> {
  return reader.query<TableIndex>(indexesSql, [tables]);
}
