import type { ObjectRef, Plan, PlannedStep } from '@slacktide/application/ports';
import type { CustomFacts, ReadyStatement } from './facts.ts';
import type { CustomConfig } from './schema.ts';

/** Facts → one step for each statement, in the order of the template. Pure. */
export function planCustom(facts: CustomFacts, _config: CustomConfig): Plan {
  return {
    steps: facts.statements.map((statement, at) => toStep(facts, statement, at)),
    checked: facts.statements.length,
    skipped: [],
    unknown: [],
  };
}

/** Which statement of which version: names of objects may come more than once. */
export function stepKey({ name, version }: CustomFacts['template'], at: number): string {
  return `${name}@${version}#${at + 1}`;
}

function toStep(facts: CustomFacts, statement: ReadyStatement, at: number): PlannedStep {
  const { database, template } = facts;
  const { judged, relation, text } = statement;
  return {
    key: stepKey(template, at),
    object: objectOf(relation, database),
    statements: [text],
    // What others' functions lock, only their author knows, and has declared.
    lockMode: judged.knownLockMode === undefined ? template.lockMode : judged.lockMode,
    sizeBytes: null,
    expectedSeconds: null,
    reversible: judged.way === 'rows' && !judged.isWrite,
    cost: { action: 'custom', tempDiskBytes: null, walBytes: null },
    data: {
      statement: at,
      relation_oid: relation?.oid ?? null,
      ...(relation === null ? {} : { table_oid: relation.tableOid }),
      hash: template.hash,
      reason: 'named',
    },
  };
}

function objectOf(relation: ReadyStatement['relation'], database: string): ObjectRef {
  if (relation === null) return { kind: 'database', oid: null, schema: null, name: database };
  const { isIndex, oid, schema, name } = relation;
  return { kind: isIndex ? 'index' : 'table', oid, schema, name };
}
