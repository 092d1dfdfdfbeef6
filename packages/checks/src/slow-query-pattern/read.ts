import type { TargetReader } from '@slacktide/application/ports';
import { findSource, type Source } from './source.ts';

/** What was counted of a statement since its counters began. */
export interface Counters {
  readonly calls: number;
  readonly totalMs: number;
  /** Sum of the squares of the times, in ms². */
  readonly squares: number;
  readonly rows: number;
}

/** One row of pg_stat_statements: a statement of one role. */
export interface Statement extends Counters {
  /** `userid/queryid/toplevel`: the row, as long as the server keeps its query ids. */
  readonly key: string;
  /** Of role, level and text: the statement, also when its query id changes. */
  readonly id: string;
  readonly role: string;
  /** As pg_stat_statements has it, with parameters in place of constants; at most 10 000 characters. Null = lost. */
  readonly query: string | null;
  /** Not executed inside a function. */
  readonly topLevel: boolean;
  /** When the counters of the row began, by the server's clock; null before 17. */
  readonly sinceMs: number | null;
}

export type StatementFacts =
  | Extract<Source, { kind: 'unusable' }>
  | {
      readonly kind: 'statements';
      readonly source: Extract<Source, { kind: 'usable' }>;
      /** The server's clock. */
      readonly nowMs: number;
      /** When all counters began; null = not known. */
      readonly resetMs: number | null;
      /** How often rows had to make room for others, since `resetMs`. */
      readonly evictions: number;
      /** Rows of this database whose statement our role may not see. */
      readonly hidden: number;
      readonly statements: readonly Statement[];
    };

/** Statements on users' data: no utility statements, and none of our own. */
export async function readStatements(reader: TargetReader): Promise<StatementFacts> {
  const source = await findSource(reader);
  if (source.kind === 'unusable') return source;
  const [server] = await reader.query<{ nowMs: number; resetMs: number | null; evictions: number; hidden: number }>(
    serverSql(source),
  );
  if (server === undefined) throw new Error('an aggregate returned no row');
  const statements = await reader.query<Statement>(statementsSql(source), [plannedPattern, catalogPattern]);
  if (!source.records && statements.length === 0 && server.hidden === 0) {
    const reason = 'pg_stat_statements records nothing: pg_stat_statements.track is none, or compute_query_id is off';
    return { kind: 'unusable', reason, grant: null };
  }
  return { kind: 'statements', source, ...server, statements };
}

type Usable = Extract<Source, { kind: 'usable' }>;
const ourDatabase = `s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`;

function serverSql({ schema, hasInfo }: Usable): string {
  const info = hasInfo
    ? `(extract(epoch FROM i.stats_reset) * 1000)::float8 AS "resetMs", i.dealloc::float8 AS evictions`
    : 'NULL::float8 AS "resetMs", 0::float8 AS evictions';
  return `
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs", ${info},
  (SELECT count(*)::int FROM ${schema}.pg_stat_statements(false) AS s WHERE ${ourDatabase} AND s.queryid IS NULL) AS hidden
FROM ${hasInfo ? `${schema}.pg_stat_statements_info AS i` : '(VALUES (1)) AS one'}`;
}

/** What begins, after comments and parentheses, with a word that the planner gets to see; PREPARE is counted as what it prepared. */
const plannedPattern = String.raw`^(\s|\(|--[^\n]*(\n|$)|/\*([^*]|\*+[^*/])*\*+/)*(select|insert|update|delete|merge|with|values|table|prepare)\M`;
/** Reads catalogues or statistics, as our checks do. */
const catalogPattern = String.raw`\m(from|join)\s+\(?("?[\w$ ]+"?\.)?"?pg_(?!sleep)`;

function statementsSql({ schema, columns }: Usable): string {
  const topLevel = columns.includes('toplevel') ? 's.toplevel' : 'true';
  const since = columns.includes('stats_since') ? '(extract(epoch FROM s.stats_since) * 1000)::float8' : 'NULL::float8';
  return `
SELECT concat_ws('/', s.userid, s.queryid, ${topLevel}::int) AS key,
  left(md5(concat_ws(chr(10), r.name, ${topLevel}, coalesce(regexp_replace(s.query, '\\s+', ' ', 'g'), s.queryid::text))), 16) AS id,
  r.name AS role, left(s.query, 10000) AS query, ${topLevel} AS "topLevel", s.calls::float8 AS calls, s.total_exec_time AS "totalMs",
  s.calls * (s.stddev_exec_time ^ 2 + s.mean_exec_time ^ 2) AS squares, s.rows::float8 AS rows, ${since} AS "sinceMs"
FROM ${schema}.pg_stat_statements s CROSS JOIN LATERAL (SELECT pg_get_userbyid(s.userid)::text AS name) r
WHERE ${ourDatabase} AND s.queryid IS NOT NULL AND s.calls > 0 AND coalesce(s.query ~* $1, true)
  AND r.name !~ '^slacktide' AND NOT (r.name = current_user AND coalesce(s.query ~* $2, false))
ORDER BY s.total_exec_time DESC, key`;
}
