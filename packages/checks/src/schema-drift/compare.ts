import { type Baseline, hashesOf, type Remembered } from './baseline.ts';
import { keyOf, type ObjectName, type SchemaFacts, type SchemaObject } from './facts.ts';

/** How the schema differs from the baseline, object by object. */
export interface Comparison {
  readonly added: readonly Known[];
  readonly removed: readonly Remembered[];
  readonly changed: readonly { readonly before: Remembered; readonly after: Known }[];
  /** Compared, and found to be what they were. */
  readonly same: number;
  readonly locked: readonly ObjectName[];
  /** Their text differs, but so does the server's major version. */
  readonly reprinted: readonly ObjectName[];
  /** There, and not compared: invalid indexes. */
  readonly unjudged: readonly ObjectName[];
}

/** An object whose definition could be read. */
export type Known = SchemaObject & { readonly parts: NonNullable<SchemaObject['parts']> };

export function compareSchema(baseline: Baseline, facts: SchemaFacts): Comparison {
  const current = new Map(facts.objects.map((object) => [keyOf(object), object]));
  const invalid = new Set(facts.invalidIndexes.map(keyOf));
  const otherMajor = baseline.majorVersion !== facts.majorVersion;
  const added: Known[] = [];
  const changed: { before: Remembered; after: Known }[] = [];
  const reprinted: ObjectName[] = [];
  let same = 0;
  for (const [key, object] of current) {
    const before = baseline.objects.get(key);
    if (!isKnown(object)) continue;
    if (before === undefined) {
      added.push(object);
      continue;
    }
    const hashes = hashesOf(object.parts);
    if (before.hashes === null || before.hashes.all === hashes.all) same += 1;
    else if (otherMajor && before.hashes.stable === hashes.stable) reprinted.push(object);
    else changed.push({ before, after: object });
  }
  const gone = [...baseline.objects]
    .filter(([key]) => !current.has(key) && !invalid.has(key))
    .map(([, object]) => object);
  const renamed = generatedAnew(gone, added);
  return {
    added: added.filter((object) => !renamed.has(keyOf(object))),
    removed: gone.filter(({ name }) => !renamed.has(keyOf(name))),
    changed,
    same: same + renamed.size / 2,
    locked: facts.objects.filter((object) => !isKnown(object)),
    reprinted,
    unjudged: facts.invalidIndexes,
  };
}

function isKnown(object: SchemaObject): object is Known {
  return object.parts !== null;
}

/** Names that the server makes up, as ChooseRelationName() and ChooseConstraintName() do. */
const generated = /_(?:check|fkey|key|pkey|excl|idx)[0-9]*$/;

/**
 * Keys of constraints and indexes that only have another generated name than before, both the old one and the new: the same definition on
 * the same table. Each is paired with one.
 */
function generatedAnew(gone: readonly Remembered[], added: readonly Known[]): ReadonlySet<string> {
  const alike = ({ kind, schema, within }: ObjectName, hash: string): string =>
    JSON.stringify([kind, schema, within, hash]);
  const nameable = ({ kind, name }: ObjectName): boolean =>
    (kind === 'constraint' || kind === 'index') && generated.test(name);
  const before = Map.groupBy(
    gone.filter(({ name, hashes }) => hashes !== null && nameable(name)),
    ({ name, hashes }) => alike(name, hashes?.all ?? ''),
  );
  const paired = new Set<string>();
  for (const object of added.filter(nameable)) {
    const partner = before.get(alike(object, hashesOf(object.parts).all))?.pop();
    if (partner === undefined) continue;
    paired.add(keyOf(object));
    paired.add(keyOf(partner.name));
  }
  return paired;
}
