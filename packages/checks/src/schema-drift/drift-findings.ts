import type { FindingObject, FoundFinding, JsonObject } from '@slacktide/domain';
import type { Baseline, Remembered } from './baseline.ts';
import { classOfAdded, classOfRemoved, type DriftClass, gravest, type PartChange, partChanges } from './classify.ts';
import type { Comparison } from './compare.ts';
import type { ObjectKind, ObjectName, Parts } from './facts.ts';

/** Changes of one object that are told of, and characters of each text. */
const mostChanges = 20;
const longestText = 500;

/** What others are part of. */
const wholeKinds: readonly ObjectKind[] = ['schema', 'table', 'view', 'materialized_view'];

/** Things that come and go with their table. */
const tableParts: readonly ObjectKind[] = ['constraint', 'index', 'trigger', 'policy'];

/** One finding an object; what came or went with its schema or table is counted there. */
export function findingsOf(comparison: Comparison, baseline: Baseline): FoundFinding[] {
  const added = comparison.added.map(({ parts, ...name }) => ({ name, parts }));
  return [
    ...apart(added).map(({ name, parts, along }) =>
      drift(name, 'added', classOfAdded(name, parts ?? {}), baseline, { definition: shown(parts), along }),
    ),
    ...apart(comparison.removed).map(({ name, parts, along }) =>
      drift(name, 'removed', classOfRemoved(name, parts), baseline, { definition: shown(parts), along }),
    ),
    ...comparison.changed.map(({ before, after }) => {
      const changes = before.parts === null ? null : partChanges(after.kind, before.parts, after.parts);
      return drift(before.name, 'changed', gravest(changes ?? []), baseline, changesShown(changes));
    }),
  ];
}

type Named = Pick<Remembered, 'name' | 'parts'>;

/** Leaves out what belongs to a schema or table of the same list, and counts it with that. */
function apart(objects: readonly Named[]): (Named & { readonly along: number })[] {
  const wholes = new Set(
    objects.filter(({ name }) => wholeKinds.includes(name.kind)).map(({ name }) => wholeKey(name)),
  );
  const along = new Map<string, number>();
  const left = objects.filter(({ name, parts }) => {
    const whole = wholesOf(name, parts).find((key) => wholes.has(key));
    if (whole !== undefined) along.set(whole, (along.get(whole) ?? 0) + 1);
    return whole === undefined;
  });
  return left.map((object) => ({ ...object, along: along.get(wholeKey(object.name)) ?? 0 }));
}

function wholeKey({ kind, schema, name }: ObjectName): string {
  return kind === 'schema' ? `schema ${name}` : `relation ${schema}.${name}`;
}

/** What an object goes with: its schema, and the table it is part of or owned by. */
function wholesOf({ kind, schema, within }: ObjectName, parts: Parts | null): string[] {
  if (kind === 'schema') return [];
  const owner = parts?.['owned by'];
  return [
    `schema ${schema}`,
    ...(tableParts.includes(kind) ? [`relation ${schema}.${within}`] : []),
    ...(kind === 'sequence' && owner !== undefined ? [`relation ${owner}`] : []),
  ];
}

function drift(
  name: ObjectName,
  change: 'added' | 'removed' | 'changed',
  driftClass: DriftClass,
  baseline: Baseline,
  details: JsonObject & { readonly words?: string },
): FoundFinding {
  const { words, ...evidence } = details;
  const what = `${sentenceCase(name.kind.replace('_', ' '))} ${qualified(name)}`;
  const since = `since the baseline of ${baseline.takenAt}`;
  const along = Number(evidence['along'] ?? 0);
  const detail = words ?? (along > 0 ? `, and ${along} ${along === 1 ? 'object' : 'objects'} with it` : '');
  return {
    fingerprint: fingerprintOf(name),
    severity: driftClass === 'additive' ? 'info' : 'warning',
    object: findingObject(name),
    summary: `${what} was ${change} ${since}${detail} (${driftClass})`,
    evidence: {
      change,
      class: driftClass,
      baseline_at: baseline.takenAt,
      ...(name.within === '' || tableParts.includes(name.kind) ? {} : { argument_types: name.within }),
      ...evidence,
      no_action_because:
        'whether it was meant to be so is not in the catalogue: accept it, or put it right by a migration',
    },
    action: null,
  };
}

function changesShown(changes: readonly PartChange[] | null): JsonObject & { readonly words: string } {
  if (changes === null) {
    return { words: '; its former definition was too long to be kept', parts_changed: null };
  }
  const parts = changes.slice(0, mostChanges).map(
    (change): JsonObject => ({
      part: change.part,
      class: change.class,
      before: cut(change.before),
      after: cut(change.after),
    }),
  );
  return { words: `: ${changes.slice(0, 5).map(told).join('; ')}`, parts_changed: changes.length, parts };
}

function told({ part, before, after }: PartChange): string {
  if (before === null) return `${part} added`;
  if (after === null) return `${part} removed`;
  return before.length + after.length > 80 ? `${part} changed` : `${part} from ${before} to ${after}`;
}

function shown(parts: Parts | null): JsonObject[] | null {
  if (parts === null) return null;
  const entries = Object.entries(parts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.slice(0, mostChanges).map(([part, text]) => ({ part, text: cut(text) }));
}

function cut(text: string | null): string | null {
  return text === null || text.length <= longestText ? text : `${text.slice(0, longestText)}…`;
}

/** As findings name it: what an object is within counts as its table where it is one. */
export function findingObject({ kind, schema, within, name }: ObjectName): FindingObject {
  return { kind, schema, name, table: tableParts.includes(kind) ? within : null };
}

/** Indexes have names of their own within the schema; routines are told apart by their arguments. */
function qualified({ kind, schema, within, name }: ObjectName): string {
  const path = [schema ?? [], tableParts.includes(kind) && kind !== 'index' ? within : [], name].flat();
  const text = path.map((word) => (/[."]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word)).join('.');
  return ['function', 'procedure', 'aggregate'].includes(kind) ? `${text}(${within})` : text;
}

function fingerprintOf(name: ObjectName): string {
  return `${name.kind}:${qualified(name)}`;
}

function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
