import { TargetError, type TargetReader } from '@slacktide/application/ports';
import { freeIndexNameSql, indexNameBaseSql } from '../catalogue/new-index-name.ts';
import type { Candidate } from './candidates.ts';
import type { MatviewIndexConfig } from './schema.ts';

/** A unique index that could be made. */
export interface UniqueProposal {
  readonly columns: readonly string[];
  readonly source: Candidate['source'];
  /** All rows there are: each has its own values. */
  readonly rows: number;
  readonly create: string;
  readonly drop: string;
}

/** What came of looking for a key of a view. */
export type Verified =
  | { readonly kind: 'unique'; readonly proposal: UniqueProposal }
  | { readonly kind: 'none'; readonly because: string };

/** Where nothing but the rows says that they are distinct, fewer than this may be so by chance. */
const tellingRows = 100;

/** One row a candidate; `verify`, which uses no index, lest one that nobody needs looks used, is the same for all of a view: how many rows there are, and how many values of each candidate. */
const statementsSql = `
WITH asked AS (
  SELECT w.oid, w.number, string_to_array(w.attributes, ',')::int2[] AS attributes
  FROM unnest($1::oid[], $2::int[], $3::text[]) AS w (oid, number, attributes)),
named AS (
  SELECT k.oid, k.number, c.relname, c.relnamespace, n.nspname, col.names, col.list, col.expression, ${indexNameBaseSql(`(c.relname || '_' || array_to_string(col.names, '_'))`)} AS base
  FROM asked k JOIN pg_class c ON c.oid = k.oid JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY u.n) AS names, string_agg(quote_ident(a.attname), ', ' ORDER BY u.n) AS list,
      CASE count(*) WHEN 1 THEN string_agg(format('x.%I', a.attname), '')
        ELSE 'ROW(' || string_agg(format('x.%I', a.attname), ', ' ORDER BY u.n) || ')' END AS expression
    FROM unnest(k.attributes) WITH ORDINALITY AS u (attnum, n) JOIN pg_attribute a ON a.attrelid = k.oid AND a.attnum = u.attnum) col),
ranked AS (SELECT *, row_number() OVER (PARTITION BY relnamespace, base ORDER BY relname, number) - 1 AS rank FROM named),
free AS (SELECT *, ${freeIndexNameSql('ranked.relnamespace', 'ranked.base', 'ranked.rank')} AS index FROM ranked)
SELECT oid, number, names AS columns, format('CREATE UNIQUE INDEX CONCURRENTLY %I ON %I.%I (%s)', index, nspname, relname, list) AS create,
  format('DROP INDEX CONCURRENTLY %I.%I', nspname, index) AS drop,
  format('SELECT count(*)::float8 AS rows, ARRAY[%s] AS distinct FROM (SELECT * FROM %I.%I TABLESAMPLE system (100) LIMIT $1) AS x',
    string_agg(format('count(DISTINCT %s)::float8', expression), ', ') OVER (PARTITION BY oid ORDER BY number
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), nspname, relname) AS verify
FROM free ORDER BY oid, number`;

interface Statement {
  readonly oid: number;
  readonly columns: readonly string[];
  readonly create: string;
  readonly drop: string;
  readonly verify: string;
}

/** Looks at all rows of each view, by its OID, unless there are more than `verify_rows`. Candidates must be of types that the server compares by its own code. */
export async function verifyCandidates(
  reader: TargetReader,
  candidates: ReadonlyMap<number, readonly Candidate[]>,
  config: MatviewIndexConfig,
): Promise<ReadonlyMap<number, Verified>> {
  const flat = [...candidates].flatMap(([oid, list]) =>
    list.map(({ attributes }, number) => ({ oid, number, attributes: attributes.join(',') })),
  );
  if (flat.length === 0) return new Map();
  const statements = await reader.query<Statement>(statementsSql, [
    flat.map(({ oid }) => oid),
    flat.map(({ number }) => number),
    flat.map(({ attributes }) => attributes),
  ]);
  const verified = new Map<number, Verified>();
  for (const [oid, ofView] of Map.groupBy(statements, (statement) => statement.oid)) {
    verified.set(oid, await verifyOne(reader, ofView, candidates.get(oid) ?? [], config));
  }
  return verified;
}

async function verifyOne(
  reader: TargetReader,
  statements: readonly Statement[],
  candidates: readonly Candidate[],
  { verify_rows: limit }: MatviewIndexConfig,
): Promise<Verified> {
  const [first] = statements;
  if (first === undefined) return { kind: 'none', because: 'it is gone' };
  try {
    const [seen] = await reader.query<{ rows: number; distinct: readonly number[] }>(first.verify, [limit + 1]);
    if (seen === undefined) throw new Error('an aggregate without GROUP BY returned no row');
    if (seen.rows > limit) return { kind: 'none', because: `it has more than ${limit} rows (verify_rows)` };
    const unique = candidates.findIndex(
      ({ source }, number) => seen.distinct[number] === seen.rows && (source !== 'rows' || seen.rows >= tellingRows),
    );
    const statement = statements[unique];
    const candidate = candidates[unique];
    if (statement === undefined || candidate === undefined) {
      const tried = statements.map(({ columns }) => columns.join(' with ')).join(', ');
      return { kind: 'none', because: `of its ${seen.rows} rows too few, or not all, differ in ${tried}` };
    }
    const { columns, create, drop } = statement;
    return { kind: 'unique', proposal: { columns, source: candidate.source, rows: seen.rows, create, drop } };
  } catch (error) {
    if (!(error instanceof TargetError) || !passing.includes(error.code)) throw error;
    return { kind: 'none', because: `its rows could not be read: ${error.code}` };
  }
}

/** They tell of this one query; the session goes on. */
const passing: readonly TargetError['code'][] = [
  'statement_timeout',
  'lock_timeout',
  'insufficient_privilege',
  'statement_failed',
];
