import type { ConfigProblem } from '@slacktide/application/ports';
import { coverOf, type IndexDefinition } from '@slacktide/checks';
import { objectKey } from '@slacktide/domain';
import type { IndexShapeFacts } from './columns.ts';
import type { IndexCreateConfig } from './schema.ts';
import type { NamedRelation, TreeTable } from './tables.ts';
import { isUsable, sameIndexes, wantedOn } from './wanted.ts';

/** What the indexes that are there mean for the one that is wanted. */
export type Existing =
  /** It is there already. */
  | { readonly kind: 'exists'; readonly index: IndexDefinition }
  /** Of the partitioned table: begun earlier, and not complete. */
  | { readonly kind: 'begun'; readonly index: IndexDefinition }
  | { readonly kind: 'new' }
  | { readonly kind: 'refused'; readonly problem: ConfigProblem };

export interface TableIndexes {
  readonly table: TreeTable;
  readonly indexes: readonly IndexDefinition[];
  readonly shape: IndexShapeFacts;
  /** Null = no name was asked for. */
  readonly named: NamedRelation | null;
}

/** Judges by the indexes of the named table alone: what its partitions have besides is theirs. */
export function judgeExisting({ table, indexes, shape, named }: TableIndexes, config: IndexCreateConfig): Existing {
  const wanted = wantedOn(table, shape, config);
  const same = sameIndexes(table, indexes, wanted);
  const taken = named?.taken ?? null;
  const own = taken === null ? undefined : same.find(({ oid }) => oid === taken.oid);
  if (taken !== null && own === undefined)
    return refused('/name', 'name_taken', 'Something else has this name already.');
  const candidates = own === undefined ? same : [own];
  const usable = candidates.find(isUsable);
  // Only an index of the asked name, or any where no name was asked for, is the one that is wanted.
  if (usable !== undefined && (named === null || own !== undefined)) {
    return config.if_exists === 'skip'
      ? { kind: 'exists', index: usable }
      : refused('/columns', 'index_exists', `${objectKey(usable)} is just this index.`);
  }
  const begun = candidates.find(({ partitioned, live }) => partitioned && live && table.relkind === 'p');
  if (begun !== undefined && (named === null || own !== undefined)) return { kind: 'begun', index: begun };
  if (own !== undefined) {
    const detail = `${objectKey(own)} is invalid: LEFTOVER_CLEANUP drops or repairs it.`;
    return refused('/name', 'invalid_index', detail);
  }
  if (config.allow_redundant) return { kind: 'new' };
  if (usable !== undefined) {
    return refused(
      '/columns',
      'duplicate_index',
      `${objectKey(usable)} does just the same; set allow_redundant to make it anyway.`,
    );
  }
  const covering = config.unique
    ? undefined
    : indexes.find((index) => index.tableOid === table.oid && isUsable(index) && coverOf(wanted, index) !== null);
  if (covering === undefined) return { kind: 'new' };
  const detail = `${objectKey(covering)} answers whatever this index would; set allow_redundant to make it anyway.`;
  return refused('/columns', 'redundant_index', detail);
}

/** Usable indexes of the table that have nothing left to do once this one is there. */
export function madeRedundant({ table, indexes, shape }: TableIndexes, config: IndexCreateConfig): string[] {
  const wanted = wantedOn(table, shape, config);
  return indexes
    .filter((index) => index.tableOid === table.oid && isUsable(index) && !index.unique && index.exclusion === null)
    .filter((index) => coverOf(index, wanted) !== null)
    .map(objectKey);
}

function refused(pointer: string, code: string, detail: string): Existing {
  return { kind: 'refused', problem: { pointer, code, detail } };
}
