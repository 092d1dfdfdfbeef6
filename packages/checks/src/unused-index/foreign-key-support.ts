import type { IndexDefinition } from '../catalogue/index-definitions.ts';
import { type IndexTree, isTopmost, isUsable } from '../catalogue/index-trees.ts';
import type { ForeignKey } from './read.ts';

/** The topmost indexes that find the rows of a foreign key best, any of them alone. */
export interface Support {
  readonly foreignKey: string;
  readonly indexes: readonly IndexTree[];
}

/** One for each foreign key that has any: without them, each change of the row it refers to reads the whole table. */
export function supportsOf(foreignKeys: readonly ForeignKey[], trees: readonly IndexTree[]): Support[] {
  const topmostOf = new Map(
    trees.filter(isTopmost).flatMap((tree) => tree.members.map(({ oid }) => [oid, tree] as const)),
  );
  const tables = Map.groupBy(trees.filter(isUsable), ({ index }) => index.tableOid);
  return foreignKeys.flatMap((foreignKey) => {
    const found = (tables.get(foreignKey.tableOid) ?? []).map(({ index }) => ({
      topmost: topmostOf.get(index.oid),
      columns: leadingColumns(foreignKey, index),
    }));
    const most = Math.max(0, ...found.map(({ columns }) => columns));
    const best = found.flatMap(({ topmost, columns }) => (columns === most ? (topmost ?? []) : []));
    return most === 0 ? [] : [{ foreignKey: foreignKey.name, indexes: [...new Set(best)] }];
  });
}

/** How many of the foreign key's columns lead the index's key, in any order. */
function leadingColumns(foreignKey: ForeignKey, index: IndexDefinition): number {
  const methods = foreignKey.period ? ['gist'] : ['btree', 'hash'];
  if (!methods.includes(index.method) || !isImplied(index.predicate, foreignKey)) return 0;
  const end = index.keys.findIndex(
    (key) => !foreignKey.columns.some(({ column, collation }) => column === key.column && collation === key.collation),
  );
  return end === -1 ? index.keys.length : end;
}

/** No row that the foreign key looks for lacks a value in any of its columns. */
function isImplied(predicate: string | null, { columns }: ForeignKey): boolean {
  if (predicate === null) return true;
  const known = new Set(columns.map(({ notNull }) => notNull));
  return (
    known.has(predicate) ||
    predicate
      .slice(1, -1)
      .split(' AND ')
      .every((term) => known.has(term))
  );
}
