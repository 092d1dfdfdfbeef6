import type { ObjectKind, ObjectName, Parts } from './facts.ts';

/** What a change does to whoever relies on the schema: gives more, is different, or takes something away. */
export const driftClasses = ['additive', 'changed', 'breaking'] as const;
export type DriftClass = (typeof driftClasses)[number];

/** One part of a definition that is not what it was. */
export interface PartChange {
  readonly part: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly class: DriftClass;
}

/** Things that narrow what may be done with a table: to add one, or to remove one, is neither additive nor breaking. */
const rules: readonly ObjectKind[] = ['constraint', 'trigger', 'policy'];

export function classOfAdded({ kind }: ObjectName, parts: Parts): DriftClass {
  const unique = kind === 'index' && parts['definition']?.startsWith('UNIQUE ') === true;
  return rules.includes(kind) || unique ? 'changed' : 'additive';
}

/** `parts` is null where only the hash is known. */
export function classOfRemoved({ kind }: ObjectName, parts: Parts | null): DriftClass {
  // Foreign keys and ON CONFLICT rest on it.
  if (kind === 'constraint' && parts !== null) {
    return /^(PRIMARY KEY|UNIQUE|EXCLUDE)/.test(parts['definition'] ?? '') ? 'breaking' : 'changed';
  }
  return rules.includes(kind) || kind === 'index' ? 'changed' : 'breaking';
}

/** Every part that differs, by name. */
export function partChanges(kind: ObjectKind, before: Parts, after: Parts): PartChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return names.flatMap((part): PartChange[] => {
    const [was = null, is = null] = [before[part], after[part]];
    return was === is ? [] : [{ part, before: was, after: is, class: classOfPart(kind, part, was, is, before, after) }];
  });
}

/** The gravest of several; a change without known parts is just that. */
export function gravest(changes: readonly PartChange[]): DriftClass {
  return driftClasses.findLast((level) => changes.some((change) => change.class === level)) ?? 'changed';
}

const breakingParts = ['result', 'kind', 'subtype', 'type', 'partition by'];

function classOfPart(
  kind: ObjectKind,
  part: string,
  was: string | null,
  is: string | null,
  before: Parts,
  after: Parts,
): DriftClass {
  const [word, name] = [part.split(' ', 1)[0], part.slice(part.indexOf(' ') + 1)];
  if (word === 'column') return classOfColumn(kind, was, is, after[`default ${name}`] !== undefined);
  // It came with its column.
  if (part.startsWith('default ') && before[`column ${name}`] === undefined) return 'additive';
  if (part === 'labels') return keepsLabels(was, is) ? 'additive' : 'breaking';
  return breakingParts.includes(part) ? 'breaking' : 'changed';
}

function classOfColumn(kind: ObjectKind, was: string | null, is: string | null, hasDefault: boolean): DriftClass {
  if (is === null) return 'breaking';
  if (was === null) return kind === 'table' && is.endsWith(' NOT NULL') && !hasDefault ? 'breaking' : 'additive';
  // To take NOT NULL away refuses nobody's rows.
  return is === was.replace(/ NOT NULL$/, '') ? 'changed' : 'breaking';
}

/** True when every label is still there, in the same order. */
function keepsLabels(before: string | null, after: string | null): boolean {
  const now = labels(after);
  let at = 0;
  return labels(before).every((label) => {
    at = now.indexOf(label, at) + 1;
    return at > 0;
  });
}

function labels(text: string | null): string[] {
  const parsed: unknown = JSON.parse(text ?? '[]');
  return Array.isArray(parsed) ? parsed.map(String) : [];
}
