import type { ObjectRef, Plan, PlannedStep } from '@slacktide/application/ports';
import { amcheck } from '@slacktide/checks';
import { objectKey, type SkippedObject, type UnknownObject } from '@slacktide/domain';
import type { ConsistencyFacts } from './facts.ts';
import type { IndexConsistencyConfig } from './schema.ts';
import { statementOf, type Usable } from './statement.ts';
import { verifierFor } from './verifier-choice.ts';

const mebibyte = 1024 * 1024;
/** A slow cloud disk, with others at work. */
const readBytesPerSecond = 50 * mebibyte;

/** The last step: all that was verified becomes a report of the check `integrity`. */
export const reportKey = 'integrity findings';

interface Turn {
  readonly relation: amcheck.RelationRow;
  readonly verifier: Usable;
  readonly bytes: number;
}

/** Facts → one step a relation, in the order of the turns and up to the budget, or all that is named; then the report. */
export function planConsistency(facts: ConsistencyFacts, config: IndexConsistencyConfig): Plan {
  const { database, damagedCatalogues, relations, choice } = facts;
  if (damagedCatalogues !== null) {
    return { steps: [wholeStep(reportKey, database)], checked: 1, skipped: [], unknown: [] };
  }
  const { turns, skipped, unknown } = sortRelations(facts, config);
  const chosen = facts.named ? turns : withinBudget(turns, config);
  const left = turns.length - chosen.length;
  const later = left === 0 ? [] : [{ object: `${left} relations`, reason: 'over_max_mb' }];
  const steps = chosen.map((turn) => toStep(turn, facts, config));
  return {
    steps: steps.length === 0 ? [] : [...steps, wholeStep(reportKey, database)],
    checked: relations.length,
    skipped: [...skipped, ...later],
    unknown: [...choice.unknown, ...unknown],
  };
}

interface Sorted {
  readonly turns: readonly Turn[];
  readonly skipped: readonly SkippedObject[];
  readonly unknown: readonly UnknownObject[];
}

function sortRelations({ relations, choice, named }: ConsistencyFacts, config: IndexConsistencyConfig): Sorted {
  const turns: Turn[] = [];
  const skipped: SkippedObject[] = [];
  const unknown: UnknownObject[] = [];
  for (const relation of relations) {
    const verifier = verifierFor(relation, choice);
    const object = objectKey(relation);
    const left = relation.excluded === amcheck.uncheckedGin && verifier !== null ? null : relation.excluded;
    const isAsked = relation.kind === 'index' || config.check_heap;
    if (!isAsked || verifier?.kind === 'unusable') continue;
    const bytes = amcheck.bytesOf(relation, config);
    if (left !== null || verifier === null) skipped.push({ object, reason: left ?? 'not_asked_for' });
    else if (named) turns.push({ relation, verifier, bytes });
    else if (relation.locked) unknown.push({ object, reason: 'locked', grant: null });
    else if (bytes > config.max_mb * mebibyte) unknown.push({ object, reason: 'larger_than_max_mb', grant: null });
    else turns.push({ relation, verifier, bytes });
  }
  return { turns, skipped, unknown };
}

/** Ends at the first that does not fit: were others let past it, it would never come to its turn. */
function withinBudget(turns: readonly Turn[], { max_mb, max_relations }: IndexConsistencyConfig): readonly Turn[] {
  let bytes = 0;
  const end = turns.findIndex((turn, position) => {
    bytes += turn.bytes;
    return position === max_relations || bytes > max_mb * mebibyte;
  });
  return end === -1 ? turns : turns.slice(0, end);
}

function toStep(
  { relation, verifier, bytes }: Turn,
  facts: ConsistencyFacts,
  config: IndexConsistencyConfig,
): PlannedStep {
  const { oid, kind, schema, name, quoted, tableOid, toastOf } = relation;
  const blocks = verifier.name === 'bt_index_parent_check';
  return {
    key: quoted,
    object: { kind: kind === 'index' ? 'index' : 'table', oid, schema, name },
    statements: [statementOf(relation, verifier, config)],
    lockMode: blocks ? 'SHARE' : 'ACCESS SHARE',
    sizeBytes: relation.sizeBytes,
    expectedSeconds: relation.sizeBytes === null ? null : Math.ceil(bytes / readBytesPerSecond),
    reversible: true,
    data: {
      reason: facts.named ? 'named' : 'turn',
      verifier: verifier.name,
      relation_kind: kind,
      table_oid: tableOid,
      bytes,
      ...(toastOf === null ? {} : { toast_of: toastOf }),
    },
  };
}

function wholeStep(key: string, database: string): PlannedStep {
  const object: ObjectRef = { kind: 'database', oid: null, schema: null, name: database };
  const nothing = { statements: [], lockMode: null, sizeBytes: null, expectedSeconds: 1, reversible: true, data: {} };
  return { key, object, ...nothing };
}
