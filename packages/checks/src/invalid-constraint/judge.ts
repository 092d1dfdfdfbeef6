import type { CheckReport, FoundFinding, Json } from '@slacktide/domain';
import type { Violators } from './count-violators.ts';
import type { Constraint, ConstraintFacts, DisabledConstraint } from './read.ts';
import type { InvalidConstraintConfig } from './schema.ts';

/** Statements a finding lists. */
const longestList = 20;

const kinds: Readonly<Record<string, string>> = {
  c: 'CHECK',
  f: 'FOREIGN KEY',
  n: 'NOT NULL',
  p: 'PRIMARY KEY',
  u: 'UNIQUE',
  x: 'EXCLUDE',
};

/** Rows that break a constraint make it critical: what the schema promises is not so, and only a person can say which of them is right. */
export function judgeConstraints(
  facts: ConstraintFacts,
  violators: ReadonlyMap<number, Violators>,
  config: InvalidConstraintConfig,
): CheckReport {
  const found = (constraint: Constraint): Violators =>
    violators.get(constraint.oid) ?? {
      kind: 'not_counted',
      because: 'there is nothing to count',
      grant: null,
      find: null,
      failed: false,
    };
  const notValidated = facts.notValidated.map((constraint) =>
    notValidatedFinding(constraint, found(constraint), config),
  );
  const disabled = facts.disabled.map((constraint) => disabledFinding(constraint, found(constraint), config));
  return {
    check: 'invalid_constraint',
    checked: facts.declared,
    skipped: [],
    unknown: [],
    findings: [...notValidated, ...disabled],
    unjudged: [],
    figures: {
      count: notValidated.length + disabled.length,
      not_validated: notValidated.length,
      disabled: disabled.length,
      broken: [...notValidated, ...disabled].filter(({ severity }) => severity === 'critical').length,
    },
  };
}

function notValidatedFinding(
  constraint: Constraint,
  violators: Violators,
  config: InvalidConstraintConfig,
): FoundFinding {
  const because = noValidationBecause(constraint, violators);
  return {
    ...subject(constraint, constraint.isDomain ? 'domain_constraint' : 'constraint'),
    severity: isBroken(violators) ? 'critical' : 'warning',
    summary: `${title(constraint)} was never validated: ${inWords(violators, config)}`,
    evidence: {
      ...evidence(constraint, violators, config),
      ...(because === null ? {} : { no_action_because: because, statement_to_consider: constraint.validate }),
    },
    action:
      because === null
        ? {
            sql: [constraint.validate],
            // A validated constraint holds as it did before: nothing is to be brought back.
            rollbackSql: [],
            lockMode: constraint.isDomain ? 'SHARE' : 'SHARE UPDATE EXCLUSIVE',
            class: 'idempotent',
          }
        : null,
  };
}

function disabledFinding(
  constraint: DisabledConstraint,
  violators: Violators,
  config: InvalidConstraintConfig,
): FoundFinding {
  const { triggers } = constraint;
  const tables = [...new Set(triggers.map(({ table }) => table))];
  const always = triggers.every(({ mode }) => mode === 'D');
  return {
    ...subject(constraint, 'disabled_constraint'),
    severity: isBroken(violators) ? 'critical' : 'warning',
    summary: `${title(constraint)} is not enforced, though it counts as valid: ${triggers.length} of its triggers on ${tables.slice(0, 3).join(', ')}${tables.length > 3 ? ', …' : ''} ${always ? 'are disabled' : 'do not fire in ordinary sessions'}; ${inWords(violators, config)}`,
    evidence: {
      ...evidence(constraint, violators, config),
      disabled_triggers: Object.entries(
        Object.groupBy(triggers, ({ table, side, mode }) => JSON.stringify([table, side, mode])),
      )
        .slice(0, longestList)
        .map(([key, { length } = []]) => {
          const [table, side, mode] = JSON.parse(key) as [string, string, string];
          return { table, side, mode: mode === 'D' ? 'disabled' : 'replica only', triggers: length };
        }),
      statements_to_consider: triggers.slice(0, longestList).map(({ enable }) => enable),
      no_action_because:
        'ENABLE TRIGGER does not look at the rows that are there: correct those that break the constraint, or drop it, add it NOT VALID and validate it',
    },
    action: null,
  };
}

function noValidationBecause({ foreign, builtIn }: Constraint, violators: Violators): string | null {
  if (foreign) return 'the server never looks at rows of a foreign table: VALIDATE would only say that they are right';
  if (violators.kind === 'not_counted' && violators.failed) return 'checking it fails on a row that is there';
  if (isBroken(violators)) return 'rows break it: correct them, or take them out, before it is validated';
  return builtIn
    ? null
    : 'it calls functions or operators that somebody defined, and VALIDATE runs them with the rights of whoever sends it: let the owner send it';
}

function isBroken(violators: Violators): boolean {
  return violators.kind === 'counted' && violators.violators > 0;
}

function subject(
  { schema, owner, isDomain, name }: Constraint,
  kind: string,
): Pick<FoundFinding, 'fingerprint' | 'object'> {
  return {
    fingerprint: `${kind}:${schema}.${owner}.${name}`,
    object: { kind: isDomain ? 'domain_constraint' : 'constraint', schema, name, table: isDomain ? null : owner },
  };
}

function evidence(
  { owner, schema, isDomain, type }: Constraint,
  violators: Violators,
  config: InvalidConstraintConfig,
): Record<string, Json> {
  return {
    type: kinds[type] ?? type,
    [isDomain ? 'domain' : 'table']: `${schema}.${owner}`,
    violators: violators.kind === 'counted' ? violators.violators : null,
    count_limit: config.count_limit,
    ...(violators.kind === 'not_counted' ? { not_counted_because: violators.because } : {}),
    ...(violators.kind === 'not_counted' && violators.grant !== null ? { counting_needs: violators.grant } : {}),
    ...(violators.find === null ? {} : { find_violators: violators.find }),
  };
}

function title({ schema, owner, isDomain, name, type }: Constraint): string {
  return `${kinds[type] ?? type} constraint ${name} of ${isDomain ? 'domain ' : ''}${schema}.${owner}`;
}

function inWords(violators: Violators, { count_limit: limit }: InvalidConstraintConfig): string {
  if (violators.kind === 'not_counted') return `rows that break it were not counted (${violators.because})`;
  if (violators.violators === 0) return 'no row breaks it';
  const many = violators.violators >= limit ? `at least ${violators.violators}` : `${violators.violators}`;
  return `rows break it: ${many}`;
}
