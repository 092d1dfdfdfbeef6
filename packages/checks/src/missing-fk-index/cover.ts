import type { ForeignKey, KeyColumn } from './read.ts';
import type { TableIndex } from './read-indexes.ts';
import type { Searches } from './read-operators.ts';
import type { TreeTable } from './read-tables.ts';

/** A table that the server looks through for a foreign key, with all its indexes. */
export interface KeyMember {
  readonly table: Pick<TreeTable, 'oid' | 'schema' | 'name'>;
  readonly indexes: readonly TableIndex[];
}

/** An index that comes near, and why the server cannot look the whole key up in it. */
export interface NearMiss {
  readonly index: string;
  readonly why:
    | 'not valid'
    | 'other collation'
    | 'other operator class'
    | 'partial'
    | 'access method'
    | 'only the leading columns'
    | 'columns do not lead';
}

/** How the indexes of the referencing table serve a foreign key. `partial` = each table has at least one that narrows the search. */
export interface Cover {
  readonly kind: 'full' | 'partial' | 'none';
  /** How many tables were looked at: one, or the leaf partitions. */
  readonly members: number;
  /** Tables without an index that covers it. */
  readonly uncovered: readonly KeyMember[];
  readonly nearMisses: readonly NearMiss[];
}

/** A partitioned table is covered when each leaf is: a valid index of the parent has a part in every one. */
export function coverOf(
  key: Pick<ForeignKey, 'columns' | 'period'>,
  members: readonly KeyMember[],
  searches: Searches,
): Cover {
  const judged = members.map((member) => ({ member, ...coverOfMember(key, member, searches) }));
  const uncovered = judged.filter(({ kind }) => kind !== 'full');
  const narrowed = uncovered.every(({ kind }) => kind === 'partial');
  return {
    kind: uncovered.length === 0 ? 'full' : narrowed ? 'partial' : 'none',
    members: members.length,
    uncovered: uncovered.map(({ member }) => member),
    nearMisses: uncovered.flatMap(({ nearMisses }) => nearMisses),
  };
}

function coverOfMember(
  { columns, period }: Pick<ForeignKey, 'columns' | 'period'>,
  { indexes }: KeyMember,
  searches: Searches,
): Pick<Cover, 'kind' | 'nearMisses'> {
  const accepted = period ? ['gist'] : columns.length === 1 ? ['btree', 'hash'] : ['btree'];
  const misses = indexes
    .map((index) => matchOf(index, columns, searches))
    .filter(({ held }) => held.length > 0)
    .map((match) => ({ match, why: whyNot(match, columns.length, accepted) }));
  if (misses.some(({ why }) => why === null)) return { kind: 'full', nearMisses: [] };
  return {
    kind: misses.some(({ match }) => narrows(match)) ? 'partial' : 'none',
    nearMisses: misses.flatMap(({ match, why }) => (why === null ? [] : [{ index: match.index.name, why }])),
  };
}

/** How an index and a foreign key meet. */
interface Match {
  readonly index: TableIndex;
  /** Positions of the index's key, from 0, with a column of the foreign key. */
  readonly held: readonly number[];
  /** Those of them where it can be looked up: same collation, an operator family that has the operator. */
  readonly fitting: readonly number[];
  readonly otherCollation: boolean;
  /** No predicate, or one that holds for whatever the foreign key looks for. */
  readonly whole: boolean;
}

function matchOf(index: TableIndex, columns: readonly KeyColumn[], searches: Searches): Match {
  const byName = new Map(columns.map((column) => [column.name, column]));
  const meetings = index.keys.flatMap((key, position) => {
    const column = key.column === null ? undefined : byName.get(key.column);
    return column === undefined ? [] : [{ key, position, column }];
  });
  const sameCollation = meetings.filter(({ key, column }) => key.collation === 0 || key.collation === column.collation);
  return {
    index,
    held: meetings.map(({ position }) => position),
    fitting: sameCollation
      .filter(({ key, column }) => searches.inFamily(column.operator, key.family))
      .map(({ position }) => position),
    otherCollation: sameCollation.length < meetings.length,
    whole: isImpliedByEquality(
      index.predicate,
      meetings.map(({ key }) => key.attribute),
    ),
  };
}

function whyNot(match: Match, needed: number, accepted: readonly string[]): NearMiss['why'] | null {
  const held = leading(match.held);
  if (held < needed) return held > 0 ? 'only the leading columns' : 'columns do not lead';
  if (!match.index.usable) return 'not valid';
  if (!accepted.includes(match.index.method)) return 'access method';
  if (leading(match.fitting) < needed) return match.otherCollation ? 'other collation' : 'other operator class';
  return match.whole ? null : 'partial';
}

/** GiST counts too: with btree_gist, or behind an exclusion constraint, it finds what equals a value. BRIN and GIN find far more. */
const narrowing = ['btree', 'hash', 'gist'];

function narrows({ index, fitting, whole }: Match): boolean {
  return index.usable && narrowing.includes(index.method) && leading(fitting) > 0 && whole;
}

/** How many of the first positions follow one another without a gap. */
function leading(positions: readonly number[]): number {
  const gap = positions.findIndex((position, before) => position !== before);
  return gap === -1 ? positions.length : gap;
}

const isNotNull =
  /\{NULLTEST :arg \{VAR :varno 1 :varattno (\d+) [^{}]*\} :nulltesttype 1 :argisrow false :location -?\d+\}/g;
const conjunction = /\{BOOLEXPR :boolop and :args \((?:T )*T\) :location -?\d+\}/g;

/** Whether `column = value`, for each column, implies the predicate: it says no more than that some of them are not null. */
export function isImpliedByEquality(predicate: string | null, attributes: readonly number[]): boolean {
  if (predicate === null) return true;
  let rest = predicate.replace(isNotNull, (test, attribute) => (attributes.includes(Number(attribute)) ? 'T' : test));
  for (let before = ''; before !== rest; ) {
    before = rest;
    rest = rest.replace(conjunction, 'T');
  }
  return rest === 'T';
}
