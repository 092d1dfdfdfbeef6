import { type PlannedStatement, planStatements } from '@slacktide/acting';
import type { NewLearning, TargetReader } from '@slacktide/application/ports';
import { type IndexSuggestion, queryShape, type SlowStatement, suggestIndexes } from '@slacktide/learning';
import { hypopgSchema, withHypotheticalIndex } from './hypothetical.ts';
import { readTables } from './tables.ts';

export interface SlowText {
  readonly id: string;
  readonly query: string;
  readonly calls: number;
  readonly totalMs: number;
}

/** Those that take most time: the rest is not worth an index. */
const mostStatements = 50;
const mostSuggestions = 20;

/** Indexes that would serve slow statements, each proven by a hypothetical index where the server can, else marked unproven. */
export async function suggest(reader: TargetReader, slow: readonly SlowText[]): Promise<readonly NewLearning[]> {
  const statements: SlowStatement[] = [];
  for (const { id, query, calls, totalMs } of slow.slice(0, mostStatements)) {
    const shape = await queryShape(query);
    if (shape !== undefined) statements.push({ id, shape, calls, totalMs });
  }
  const names = [
    ...new Set(
      statements.flatMap(({ shape }) => shape.scopes.flatMap(({ relations }) => relations.map(({ name }) => name))),
    ),
  ];
  const tables = names.length === 0 ? [] : await readTables(reader, names);
  const suggestions = suggestIndexes(statements, tables).slice(0, mostSuggestions);
  const schema = suggestions.length === 0 ? null : await hypopgSchema(reader);
  const learned: NewLearning[] = [];
  for (const suggestion of suggestions) {
    const texts = slow.filter(({ id }) => suggestion.statements.includes(id)).map(({ query }) => query);
    const sql = await statementFor(reader, suggestion);
    if (sql === undefined) continue;
    const proof = schema === null ? unproven : await prove(reader, schema, sql, texts);
    if (proof.kind === 'of_no_use') continue;
    learned.push({ key: keyOf(suggestion), value: { ...toJson(suggestion), sql, proof } });
  }
  return learned;
}

const unproven = { kind: 'unproven', reason: 'hypopg is not installed' } as const;
/** A plan that costs hardly less is none. */
const leastGain = 0.1;

type Proof =
  | { readonly kind: 'unproven'; readonly reason: string }
  | { readonly kind: 'of_no_use' }
  | { readonly kind: 'hypopg'; readonly cost_before: number; readonly cost_after: number };

async function prove(reader: TargetReader, schema: string, sql: string, texts: readonly string[]): Promise<Proof> {
  const before = costOf(await planStatements(reader, texts));
  const after = costOf(await withHypotheticalIndex(reader, schema, sql, () => planStatements(reader, texts)));
  if (before === null || after === null) return { kind: 'unproven', reason: 'the statements cannot be planned' };
  if (after > before * (1 - leastGain)) return { kind: 'of_no_use' };
  return { kind: 'hypopg', cost_before: Math.round(before), cost_after: Math.round(after) };
}

function costOf(planned: readonly PlannedStatement[]): number | null {
  const costs = planned.flatMap((each) => (each.kind === 'planned' ? [each.plan.totalCost] : []));
  return costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0);
}

/** The names come quoted from the server; undefined when the table has gone meanwhile. */
async function statementFor(
  reader: TargetReader,
  { schema, table, columns }: IndexSuggestion,
): Promise<string | undefined> {
  const [row] = await reader.query<{ sql: string | null }>(
    `SELECT format('CREATE INDEX CONCURRENTLY ON %I.%I (%s)', n.nspname, c.relname,
  (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY wanted.position) FROM unnest($3::text[]) WITH ORDINALITY AS wanted (name, position)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname::text = wanted.name AND NOT a.attisdropped)) AS sql
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname::text = $1 AND c.relname::text = $2`,
    [schema, table, columns],
  );
  return row?.sql ?? undefined;
}

function keyOf({ schema, table, columns }: IndexSuggestion): string {
  return `${schema}.${table}(${columns.join(',')})`;
}

function toJson({ schema, table, columns, statements, totalMs, rows, expectedShare, writesPerDay }: IndexSuggestion) {
  return {
    schema,
    table,
    columns,
    statements,
    total_seconds: Math.round(totalMs) / 1000,
    rows,
    expected_share: expectedShare,
    writes_per_day: writesPerDay === null ? null : Math.round(writesPerDay),
  };
}
