import type { KeyMember } from './cover.ts';
import type { ForeignKey } from './read.ts';
import type { TableIndex } from './read-indexes.ts';
import type { Searches } from './read-operators.ts';
import type { TreeTable } from './read-tables.ts';

/** A foreign key with the tables on either side of it. */
export interface MeasuredKey extends ForeignKey {
  readonly members: readonly KeyMember[];
  /** Columns that no plain index serves: cast before they are compared, or by an operator that no default operator class has. */
  readonly unservedColumns: readonly string[];
  /** Of the referencing table, with its partitions; null = not known, because somebody has some of it locked. */
  readonly rows: number | null;
  readonly sizeBytes: number | null;
  readonly referencedRows: number | null;
  readonly referencedDeletes: number;
  readonly referencedUpdates: number;
}

/** Puts what was read together. Foreign keys of tables that are gone by now are left out. */
export function measureKeys(
  keys: readonly ForeignKey[],
  tables: readonly TreeTable[],
  indexes: readonly TableIndex[],
  searches: Searches,
): readonly MeasuredKey[] {
  const tablesOf = Map.groupBy(tables, ({ root }) => root);
  const indexesOf = Map.groupBy(indexes, ({ tableOid }) => tableOid);
  return keys.flatMap((key) => {
    const referencing = tablesOf.get(key.tableOid);
    const referenced = tablesOf.get(key.referencedOid);
    if (referencing === undefined || referenced === undefined) return [];
    return {
      ...key,
      members: referencing.map((table) => ({ table, indexes: indexesOf.get(table.oid) ?? [] })),
      unservedColumns: key.columns.flatMap(({ name, operator, comparedAsIs }) =>
        comparedAsIs && searches.byDefault(operator, key.period ? 'gist' : 'btree') ? [] : [name],
      ),
      rows: sum(referencing.map(({ rows }) => rows)),
      sizeBytes: sum(referencing.map(({ sizeBytes }) => sizeBytes)),
      referencedRows: sum(referenced.map(({ rows }) => rows)),
      referencedDeletes: sum(referenced.map(({ deletes }) => deletes)) ?? 0,
      referencedUpdates: sum(referenced.map(({ updatesNotHot }) => updatesNotHot)) ?? 0,
    };
  });
}

/** Null as soon as one is not known. */
function sum(figures: readonly (number | null)[]): number | null {
  return figures.reduce<number | null>(
    (total, figure) => (total === null || figure === null ? null : total + figure),
    0,
  );
}
