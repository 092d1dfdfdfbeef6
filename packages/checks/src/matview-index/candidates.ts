import type { QueryKeys, ShownColumn } from './query-keys.ts';
import type { Matview } from './read.ts';

/** Columns that may identify the rows of a view, and why one may think so. */
export interface Candidate {
  readonly attributes: readonly number[];
  /** Its query makes them distinct; they are a key of the table they come from; or nothing but what was seen says so. */
  readonly source: 'query' | 'table' | 'rows';
}

/** Whether a column of a relation is unique there by itself. */
export type IsKey = (relation: number, column: number) => boolean;

/** No more than this many are tried in a view. */
const longestList = 5;
/** Columns an index takes at most, and well before that it is of no use. */
const widestKey = 8;

/** The surest first. */
export function candidatesOf({ columns }: Matview, { distinct, shown }: QueryKeys, isKey: IsKey): readonly Candidate[] {
  const byAttribute = new Map(columns.map((column) => [column.attribute, column]));
  const comparable = (attributes: readonly number[]): boolean =>
    attributes.length <= widestKey &&
    attributes.every((attribute) => (byAttribute.get(attribute)?.kind ?? 'other') !== 'other');
  if (distinct !== null) return comparable(distinct) ? [{ attributes: distinct, source: 'query' }] : [];
  const single = shown.filter(({ attribute }) => byAttribute.get(attribute)?.repeats === false);
  const ofTable = single.filter(
    ({ attribute, relation, column }) => comparable([attribute]) && relation !== null && isKey(relation, column),
  );
  const others = single.filter((one) => byAttribute.get(one.attribute)?.kind === 'key' && !ofTable.includes(one));
  return [...ofTable.map(from('table')), ...others.map(from('rows'))].slice(0, longestList);
}

function from(source: Candidate['source']) {
  return ({ attribute }: ShownColumn): Candidate => ({ attributes: [attribute], source });
}
