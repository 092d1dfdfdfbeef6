import { type IndexDefinition, type IndexShape, signatureOf } from '@slacktide/checks';
import type { IndexShapeFacts } from './columns.ts';
import type { IndexCreateConfig } from './schema.ts';
import type { TreeTable } from './tables.ts';

/** The index as it would be on this table, in the terms by which checks compare indexes: its columns may have other numbers there. */
export function wantedOn(
  { columns }: Pick<TreeTable, 'columns'>,
  { keys, include, predicate }: IndexShapeFacts,
  { method, unique }: Pick<IndexCreateConfig, 'method' | 'unique'>,
): IndexShape {
  return {
    method,
    keys: keys.map(({ name, operatorClass, collation, ordering }) => ({
      column: columns[name] ?? 0,
      expression: null,
      operatorClass,
      collation,
      parameters: null,
      ordering,
    })),
    included: include.map((name) => columns[name] ?? 0).toSorted((a, b) => a - b),
    predicate,
    unique,
    nullsNotDistinct: false,
    immediate: true,
    exclusion: null,
    storageOptions: [],
  };
}

/** Those of the table's indexes that are just what is wanted, usable or not. */
export function sameIndexes(
  table: TreeTable,
  indexes: readonly IndexDefinition[],
  wanted: IndexShape,
): readonly IndexDefinition[] {
  const signature = signatureOf(wanted);
  return indexes.filter((index) => index.tableOid === table.oid && signatureOf(index) === signature);
}

export function isUsable({ valid, ready, live }: Pick<IndexDefinition, 'valid' | 'ready' | 'live'>): boolean {
  return valid && ready && live;
}
