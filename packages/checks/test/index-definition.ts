import type { IndexDefinition, KeyElement } from '../src/catalogue/index-definitions.ts';

/** A valid btree index of table 1, on column 1, unless said otherwise. */
export function indexDefinition(
  given: Partial<IndexDefinition> & Pick<IndexDefinition, 'name'>,
  ...keys: Partial<KeyElement>[]
): IndexDefinition {
  const { name, oid = 1000, parentOid = null, partitioned = false } = given;
  return {
    oid,
    schema: 'public',
    table: 't',
    tableOid: 1,
    partitioned,
    parentOid,
    method: 'btree',
    valid: true,
    ready: true,
    live: true,
    keys: (keys.length === 0 ? [{}] : keys).map((key) => ({
      column: 1,
      expression: null,
      operatorClass: '1976/23/0',
      collation: 0,
      parameters: null,
      ordering: 0,
      ...key,
    })),
    included: [],
    predicate: null,
    unique: false,
    primary: false,
    nullsNotDistinct: false,
    immediate: true,
    exclusion: null,
    storageOptions: [],
    constraint: null,
    foreignKeyTarget: false,
    replicaIdentity: false,
    clustered: false,
    locked: false,
    sizeBytes: partitioned ? 0 : 8192,
    tableSizeBytes: partitioned ? 0 : 2 ** 30,
    scans: 0,
    indexWrites: 0,
    lastScanAt: null,
    createStatistics: null,
    definition: `CREATE INDEX ${name} ON public.t USING btree (a)`,
    drop: `DROP INDEX CONCURRENTLY public.${name}`,
    restore: [`CREATE INDEX CONCURRENTLY ${name} ON public.t USING btree (a)`],
    ...given,
  };
}
