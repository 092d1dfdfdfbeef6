import type { NewLearning, TargetReader } from '@slacktide/application/ports';
import { type IndexSuggestion, queryShape, type SlowStatement, suggestIndexes } from '@slacktide/learning';
import { findHypopg } from './hypothetical.ts';
import { prove } from './prove.ts';
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
  if (suggestions.length === 0) return [];
  const hypopg = await findHypopg(reader);
  const learned: NewLearning[] = [];
  for (const suggestion of suggestions) {
    const texts = slow.filter(({ id }) => suggestion.statements.includes(id)).map(({ query }) => query);
    const place = await placeOf(reader, suggestion);
    if (place === undefined) continue;
    const { partitioned, on } = place;
    const proof = await prove(reader, hypopg, `CREATE INDEX ${on}`, texts);
    if (proof.kind === 'of_no_use') continue;
    // A partitioned table takes none online by one statement: INDEX_CREATE builds it partition by partition.
    const sql = partitioned ? null : `CREATE INDEX CONCURRENTLY ${on}`;
    learned.push({ key: keyOf(suggestion), value: { ...toJson(suggestion), partitioned, sql, proof } });
  }
  return learned;
}

interface Place {
  readonly partitioned: boolean;
  /** `ON table (columns)`, its names quoted by the server. */
  readonly on: string;
}

/** Undefined when the table, or a column of it, has gone meanwhile. */
async function placeOf(reader: TargetReader, { schema, table, columns }: IndexSuggestion): Promise<Place | undefined> {
  const [row] = await reader.query<Place & { found: number }>(
    `SELECT c.relkind = 'p' AS partitioned, keys.found, format('ON %I.%I (%s)', n.nspname, c.relname, keys.list) AS "on"
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL (
  SELECT count(*)::int AS found, string_agg(quote_ident(a.attname), ', ' ORDER BY wanted.position) AS list
  FROM unnest($3::text[]) WITH ORDINALITY AS wanted (name, position)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname::text = wanted.name AND NOT a.attisdropped) AS keys
WHERE n.nspname::text = $1 AND c.relname::text = $2`,
    [schema, table, columns],
  );
  return row?.found === columns.length ? { partitioned: row.partitioned, on: row.on } : undefined;
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
