import type { Plan, PlannedStep } from '@slacktide/application/ports';
import { objectKey, type SkippedObject, type UnknownObject } from '@slacktide/domain';
import type { ConstraintState } from './constraints.ts';
import type { InvalidConstraint, SchemaFacts } from './facts.ts';
import type { SchemaValidationConfig } from './schema.ts';

const mebibyte = 1024 * 1024;
/** A slow cloud disk, with others at work. */
const readBytesPerSecond = 50 * mebibyte;

/** The check of drift comes first, whatever becomes of the constraints; the one of constraints comes last, and shows what is left. */
export const driftKey = 'schema_drift';
export const constraintsKey = 'invalid_constraint';

export function planSchemaValidation(facts: SchemaFacts, config: SchemaValidationConfig): Plan {
  const drift = checkStep(driftKey, facts);
  const { invalid } = facts;
  if (invalid === null) return { steps: [drift], checked: 1, skipped: [], unknown: [] };
  const asked = sortConstraints(invalid, config);
  return {
    steps: [drift, ...asked.steps, checkStep(constraintsKey, facts)],
    checked: 1 + invalid.report.checked,
    skipped: asked.skipped,
    unknown: [...invalid.report.unknown, ...asked.unknown],
  };
}

interface Sorted {
  readonly steps: readonly PlannedStep[];
  readonly skipped: readonly SkippedObject[];
  readonly unknown: readonly UnknownObject[];
}

function sortConstraints(
  { constraints, named }: NonNullable<SchemaFacts['invalid']>,
  config: SchemaValidationConfig,
): Sorted {
  const steps: PlannedStep[] = [];
  const skipped: SkippedObject[] = (named ?? [])
    .filter(({ oid }) => !constraints.some(({ state }) => state?.oid === oid))
    .map(({ quoted, validated, inherited }) => ({
      object: quoted,
      reason: validated ? 'already_valid' : inherited ? 'validated_with_its_parent' : 'cannot_be_validated',
    }));
  const unknown: UnknownObject[] = [];
  const isNamed = ({ state }: InvalidConstraint): boolean => named?.some(({ oid }) => oid === state?.oid) ?? false;
  const asked = named === null ? constraints.toSorted(bySize) : constraints.filter(isNamed);
  let leftBytes = config.max_mb * mebibyte;
  for (const { finding, state } of asked) {
    const object = state?.quoted ?? objectKey(finding.object);
    const statement = finding.action?.sql[0];
    // Validating a domain closes every table that uses it to writers: a person starts that, from the finding.
    if (state === undefined)
      skipped.push({ object, reason: finding.object.kind === 'domain_constraint' ? 'domain' : 'gone' });
    else if (statement === undefined)
      skipped.push({ object, reason: String(finding.evidence['no_action_because'] ?? 'nothing_safe_to_do') });
    else if (named === null && !state.permitted)
      unknown.push({ object, reason: 'insufficient_privilege', grant: state.grant });
    else if (named === null && state.sizeBytes > leftBytes) skipped.push({ object, reason: 'over_max_mb' });
    else {
      leftBytes -= state.sizeBytes;
      steps.push(validateStep(state, statement, finding.evidence['violators'] ?? null, named !== null));
    }
  }
  return { steps, skipped, unknown };
}

function bySize(a: InvalidConstraint, b: InvalidConstraint): number {
  return (a.state?.sizeBytes ?? 0) - (b.state?.sizeBytes ?? 0);
}

function validateStep(
  { oid, schema, table, quoted, tableOid, sizeBytes }: ConstraintState,
  statement: string,
  violators: unknown,
  named: boolean,
): PlannedStep {
  return {
    key: quoted,
    object: { kind: 'table', oid: tableOid, schema, name: table },
    statements: [statement],
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    sizeBytes,
    expectedSeconds: Math.ceil(sizeBytes / readBytesPerSecond),
    // What was true before is only known now.
    reversible: true,
    cost: { action: 'validate', tempDiskBytes: null, walBytes: null },
    data: {
      constraint_oid: oid,
      table_oid: tableOid,
      reason: named ? 'named' : 'not_validated',
      violators: typeof violators === 'number' ? violators : null,
    },
  };
}

function checkStep(key: string, { database }: SchemaFacts): PlannedStep {
  return {
    key,
    object: { kind: 'database', oid: null, schema: null, name: database },
    ...{ statements: [], lockMode: null, sizeBytes: null, expectedSeconds: 1, reversible: true, data: {} },
  };
}
