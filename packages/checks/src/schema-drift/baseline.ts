import { createHash } from 'node:crypto';
import type { CheckSnapshot } from '@slacktide/application/ports';
import type { Json, JsonObject } from '@slacktide/domain';
import { keyOf, type ObjectKind, type ObjectName, objectKinds, type Parts, type SchemaObject } from './facts.ts';

/** Definitions are kept in full until they come to so many characters; beyond it only their hashes are. */
const keptCharacters = 200_000;
/** A longer one is not kept at all. */
const longestKept = 4_000;

/** Parts that another major version may print differently though nothing was changed. */
const printedParts = [
  'default',
  'definition',
  'query',
  'using',
  'check',
  'checks',
  'arguments',
  'sql',
  'partition',
  'aggregate',
];

/** What is remembered of an object. */
export interface Remembered {
  readonly name: ObjectName;
  /** Null = it was there, and could not be read. */
  readonly hashes: Hashes | null;
  /** Null = only the hashes were kept. */
  readonly parts: Parts | null;
}

export interface Hashes {
  readonly all: string;
  /** Of what every major version prints alike. */
  readonly stable: string;
}

/** The schema as it was when the baseline was taken. */
export interface Baseline {
  readonly takenAt: string;
  readonly majorVersion: number;
  /** Settings that decide what is looked at: with others there is nothing to compare. */
  readonly scope: string;
  readonly objects: ReadonlyMap<string, Remembered>;
}

export function hashesOf(parts: Parts): Hashes {
  const entries = Object.entries(parts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const stable = entries.filter(([part]) => !printedParts.includes(part.split(' ', 1)[0] ?? ''));
  return { all: hash(entries, 16), stable: hash(stable, 8) };
}

function hash(entries: readonly (readonly [string, string])[], length: number): string {
  return createHash('sha256').update(JSON.stringify(entries)).digest('base64url').slice(0, length);
}

/** Takes the schema as it is for the baseline. */
export function takeBaseline(
  objects: readonly SchemaObject[],
  given: Pick<Baseline, 'takenAt' | 'majorVersion' | 'scope'>,
): Baseline {
  let left = keptCharacters;
  const inOrder = objects.toSorted((a, b) => objectKinds.indexOf(a.kind) - objectKinds.indexOf(b.kind));
  const remembered = inOrder.map(({ parts, ...name }): [string, Remembered] => {
    const characters = parts === null ? 0 : JSON.stringify(parts).length;
    const kept = characters <= Math.min(left, longestKept);
    if (kept) left -= characters;
    return [keyOf(name), { name, hashes: parts === null ? null : hashesOf(parts), parts: kept ? parts : null }];
  });
  return { ...given, objects: new Map(remembered) };
}

/** The baseline with what could not be read when it was taken, and can be now. */
export function completed(baseline: Baseline, objects: readonly SchemaObject[]): Baseline {
  const added = objects.flatMap(({ parts, ...name }): [string, Remembered][] => {
    const before = baseline.objects.get(keyOf(name));
    if (before === undefined || before.hashes !== null || parts === null) return [];
    return [[keyOf(name), { name, hashes: hashesOf(parts), parts: null }]];
  });
  return added.length === 0 ? baseline : { ...baseline, objects: new Map([...baseline.objects, ...added]) };
}

/** As JSON: kind → schema → within → name → hashes, or hashes and parts. Names come as keys, so that no schema or table is told twice. */
export function toSnapshot({ takenAt, majorVersion, scope, objects }: Baseline): JsonObject {
  const tree = group(
    [...objects.values()],
    ({ name }) => name.kind,
    (ofKind) =>
      group(
        ofKind,
        ({ name }) => name.schema ?? '',
        (ofSchema) =>
          group(
            ofSchema,
            ({ name }) => name.within,
            (within) =>
              group(
                within,
                ({ name }) => name.name,
                ([object]) => (object === undefined ? '' : leaf(object)),
              ),
          ),
      ),
  );
  return { version: 1, taken_at: takenAt, major_version: majorVersion, scope, objects: tree };
}

/** Object.fromEntries takes any name for a key, `__proto__` as well. */
function group(
  objects: readonly Remembered[],
  key: (object: Remembered) => string,
  inner: (objects: readonly Remembered[]) => Json,
): Json {
  return Object.fromEntries([...Map.groupBy(objects, key)].map(([name, members]) => [name, inner(members)]));
}

function leaf({ hashes, parts }: Remembered): Json {
  const text = hashes === null ? '' : hashes.all + hashes.stable;
  return parts === null ? text : [text, { ...parts }];
}

/** Undefined where there is none, or none that this version can read. */
export function fromSnapshot(snapshot: CheckSnapshot | undefined): Baseline | undefined {
  const { version, taken_at: takenAt, major_version: majorVersion, scope, objects = null } = snapshot?.values ?? {};
  if (version !== 1 || typeof takenAt !== 'string' || typeof majorVersion !== 'number' || typeof scope !== 'string') {
    return undefined;
  }
  const remembered = entriesOf(objects).flatMap(([kind, ofKind]) =>
    entriesOf(ofKind).flatMap(([schema, ofSchema]) =>
      entriesOf(ofSchema).flatMap(([within, named]) =>
        entriesOf(named).map(([name, value]): [string, Remembered] => {
          const objectName = { kind: kind as ObjectKind, schema: kind === 'schema' ? null : schema, within, name };
          return [keyOf(objectName), fromLeaf(objectName, value)];
        }),
      ),
    ),
  );
  return { takenAt, majorVersion, scope, objects: new Map(remembered) };
}

function fromLeaf(name: ObjectName, value: Json): Remembered {
  const [text, parts = null] = Array.isArray(value) ? (value as readonly Json[]) : [value];
  const hashes = typeof text === 'string' && text !== '' ? { all: text.slice(0, 16), stable: text.slice(16) } : null;
  return { name, hashes, parts: parts as Parts | null };
}

function entriesOf(value: Json): [string, Json][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
