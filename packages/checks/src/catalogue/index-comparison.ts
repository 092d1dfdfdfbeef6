import type { IndexDefinition, KeyElement } from './index-definitions.ts';

/** What an option is when it is not given. */
const optionDefaults: Readonly<Record<string, string>> = {
  autosummarize: 'off',
  buffering: 'auto',
  deduplicate_items: 'on',
  fastupdate: 'on',
  pages_per_range: '128',
};
const booleanWords: Readonly<Record<string, string>> = {
  true: 'on',
  yes: 'on',
  1: 'on',
  false: 'off',
  no: 'off',
  0: 'off',
};

/** What an index enforces, answers, sorts by and returns. */
export type IndexShape = Pick<
  IndexDefinition,
  | 'method'
  | 'keys'
  | 'included'
  | 'predicate'
  | 'unique'
  | 'nullsNotDistinct'
  | 'immediate'
  | 'exclusion'
  | 'storageOptions'
>;

/** Two usable indexes of one table with the same signature do the same in every respect: enforce, answer, sort, return. */
export function signatureOf(index: IndexShape): string {
  return JSON.stringify([
    index.method,
    index.keys.map((key) => [sameConditions(key), key.ordering]),
    index.included,
    index.predicate,
    index.unique,
    index.unique && index.nullsNotDistinct,
    index.immediate,
    index.exclusion,
    effectiveOptions(index),
  ]);
}

/** How one index does the work of another: `mirrored_order` = by reading backwards, all of its columns being sorted the other way. */
export type Cover = 'same_order' | 'mirrored_order';

/**
 * Whether `wider` answers whatever `narrower` answers, on the same table; null = it does not. Says nothing of what `narrower` enforces.
 * Transitive: what covers `wider` covers `narrower` too.
 */
export function coverOf(narrower: IndexShape, wider: IndexShape): Cover | null {
  if (narrower.method !== wider.method || narrower.predicate !== wider.predicate) return null;
  if (!narrower.keys.every((key, position) => hasSameConditions(key, wider.keys[position]))) return null;
  if (narrower.method !== 'btree') {
    const same =
      narrower.keys.length === wider.keys.length &&
      narrower.included.every((column) => wider.included.includes(column)) &&
      JSON.stringify(effectiveOptions(narrower)) === JSON.stringify(effectiveOptions(wider));
    return same ? 'same_order' : null;
  }
  const returned = new Set([...wider.keys.map(({ column }) => column), ...wider.included]);
  if (!narrower.included.every((column) => returned.has(column))) return null;
  const differences = new Set(narrower.keys.map(({ ordering }, position) => ordering ^ orderingAt(wider, position)));
  if (differences.size !== 1) return null;
  if (differences.has(0)) return 'same_order';
  return differences.has(descendingAndNullsFirst) ? 'mirrored_order' : null;
}

const descendingAndNullsFirst = 0b11;

function orderingAt({ keys }: IndexShape, position: number): number {
  return keys[position]?.ordering ?? 0;
}

function hasSameConditions(key: KeyElement, other: KeyElement | undefined): boolean {
  return other !== undefined && sameConditions(key) === sameConditions(other);
}

function sameConditions({ column, expression, operatorClass, collation, parameters }: KeyElement): string {
  return JSON.stringify([column, expression, operatorClass, collation, parameters]);
}

/** Without those that say what holds anyway: `fastupdate=on`. */
function effectiveOptions({ storageOptions }: IndexShape): readonly string[] {
  return storageOptions
    .map((option): [string, string] => {
      const [name = '', ...value] = option.toLowerCase().split('=');
      const text = value.join('=');
      return [name, /^(on|off)$/.test(optionDefaults[name] ?? '') ? (booleanWords[text] ?? text) : text];
    })
    .filter(([name, value]) => optionDefaults[name] !== value)
    .map(([name, value]) => `${name}=${value}`)
    .toSorted();
}
