import type { ConfigProblem, FactsResult, LookContext, TargetReader } from '@slacktide/application/ports';
import { checks } from '@slacktide/checks';
import { type CheckReport, type FoundFinding, objectKey } from '@slacktide/domain';
import { lookWith } from '../run-check.ts';
import { type ConstraintState, readConstraintsOf, readNamedConstraints } from './constraints.ts';
import type { SchemaValidationConfig } from './schema.ts';

/** A constraint that the check `invalid_constraint` found. */
export interface InvalidConstraint {
  readonly finding: FoundFinding;
  /** Undefined = of a domain, or gone by now. */
  readonly state: ConstraintState | undefined;
}

export interface SchemaFacts {
  readonly database: string;
  /** Null = constraints are not to be validated. */
  readonly invalid: {
    readonly report: CheckReport;
    readonly constraints: readonly InvalidConstraint[];
    /** Those named; null = all. */
    readonly named: readonly ConstraintState[] | null;
  } | null;
}

export async function readSchemaFacts(
  reader: TargetReader,
  config: SchemaValidationConfig,
  context: LookContext,
): Promise<FactsResult<SchemaFacts>> {
  const [row] = await reader.query<{ database: string }>('SELECT current_database()::text AS database');
  const database = row?.database ?? '';
  if (!config.validate_constraints) return { kind: 'facts', facts: { database, invalid: null } };
  const named = await resolveNamed(reader, config.constraints);
  if (named.kind === 'refused') return named;
  const report = await lookForInvalid(reader, config, context);
  const ofTables = report.findings.flatMap(({ object: { kind, schema, table, name } }) =>
    kind === 'constraint' && schema !== null && table !== null ? [{ schema, table, name }] : [],
  );
  const states = ofTables.length === 0 ? [] : await readConstraintsOf(reader, ofTables);
  const constraints = report.findings.map((finding) => ({
    finding,
    state: states.find(
      ({ schema, table, name }) =>
        finding.object.kind === 'constraint' &&
        objectKey({ schema, name }) === objectKey(finding.object) &&
        table === finding.object.table,
    ),
  }));
  return { kind: 'facts', facts: { database, invalid: { report, constraints, named: named.constraints } } };
}

/** What the check says now, with the rows that break each constraint counted. */
async function lookForInvalid(
  reader: TargetReader,
  { count_limit, count_budget_mb }: SchemaValidationConfig,
  context: LookContext,
): Promise<CheckReport> {
  const check = checks.find(({ type }) => type.name === 'invalid_constraint');
  if (check === undefined) throw new Error('expected a check invalid_constraint');
  const run = { observer: reader, ...context, signal: new AbortController().signal };
  return await lookWith(check, run, check.type.config.parse({ count_limit, count_budget_mb }));
}

type Named =
  | { readonly kind: 'named'; readonly constraints: readonly ConstraintState[] | null }
  | { readonly kind: 'refused'; readonly problems: readonly ConfigProblem[] };

async function resolveNamed(reader: TargetReader, names: readonly string[]): Promise<Named> {
  if (names.length === 0) return { kind: 'named', constraints: null };
  const found = await readNamedConstraints(reader, names);
  const problems: ConfigProblem[] = [];
  const constraints = names.flatMap((name, position) => {
    const matches = found.filter(({ quoted, plain }) => quoted === name || plain === name);
    const [first] = matches.filter(({ quoted }) => quoted === name);
    const match = first ?? (matches.length === 1 ? matches[0] : undefined);
    if (match !== undefined) return [match];
    const code = matches.length === 0 ? 'unknown_constraint' : 'ambiguous_constraint';
    const detail = `Constraint ${JSON.stringify(name)}: expected schema.table.constraint of one constraint of a table, got ${matches.length} of them.`;
    problems.push({ pointer: `/constraints/${position}`, code, detail });
    return [];
  });
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'named', constraints };
}
