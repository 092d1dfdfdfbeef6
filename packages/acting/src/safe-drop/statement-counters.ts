import type { TargetReader } from '@slacktide/application/ports';
import type { StatementCounters } from '@slacktide/domain';
import type { StatementSource } from './statement-source.ts';

type Usable = Extract<StatementSource, { kind: 'usable' }>;

/** Counters of a statement, whoever executed it. */
export interface CountedStatement extends StatementCounters {
  readonly queryid: string;
  readonly rows: number;
  /** The latest moment, by the server's clock, at which one of its rows began to count; null before 17. */
  readonly sinceMs: number | null;
}

/** A statement with its text: constants are parameters there. Never kept. */
export interface NamedStatement extends CountedStatement {
  readonly text: string;
  /** Names the table, a table it is part of, or a view on either. */
  readonly namesTable: boolean;
}

/** When all counters began, by the server's clock; null = not told. */
export async function readResetMs(reader: TargetReader, source: Usable): Promise<number | null> {
  if (!source.tellsReset) return null;
  const [row] = await reader.query<{ resetMs: number | null }>(
    `SELECT (extract(epoch FROM stats_reset) * 1000)::float8 AS "resetMs" FROM ${source.schema}.pg_stat_statements_info`,
  );
  return row?.resetMs ?? null;
}

const countersSql = ({ tellsSince }: Usable): string => `
  s.queryid::text AS queryid, sum(s.calls)::float8 AS calls, sum(s.total_exec_time)::float8 AS "totalMs",
  sum(s.calls * (s.stddev_exec_time ^ 2 + s.mean_exec_time ^ 2))::float8 AS squares, sum(s.rows)::float8 AS rows,
  ${tellsSince ? '(extract(epoch FROM max(s.stats_since)) * 1000)::float8' : 'NULL::float8'} AS "sinceMs"`;

const ours = `s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.queryid IS NOT NULL`;

/** The counters of these statements, by query id; what the server has no row of is left out. */
export async function readCounters(
  reader: TargetReader,
  source: Usable,
  queryids: readonly string[],
): Promise<ReadonlyMap<string, CountedStatement>> {
  if (queryids.length === 0) return new Map();
  const rows = await reader.query<CountedStatement>(
    `SELECT ${countersSql(source)} FROM ${source.schema}.pg_stat_statements(false) s
WHERE ${ours} AND s.queryid = ANY ($1::int8[]) GROUP BY s.queryid`,
    [queryids],
  );
  return new Map(rows.map((row) => [row.queryid, row]));
}

/** What begins, after comments and parentheses, with a word that the planner gets to see. */
const plannedPattern = String.raw`^(\s|\(|--[^\n]*(\n|$)|/\*([^*]|\*+[^*/])*\*+/)*(select|insert|update|delete|merge|with|values|table)\M`;

/** Reads catalogues or statistics, as our own looks do. */
const catalogPattern = String.raw`\m(from|join)\s+\(?("?[\w$ ]+"?\.)?"?pg_(?!sleep)`;

/**
 * By their total time, the `limit` first statements of the database that name the table and the `limit` first that do not. A text names a table by its
 * name alone, so that one of the same name elsewhere is taken for it: the plan tells.
 */
export function readTopStatements(
  reader: TargetReader,
  source: Usable,
  tableOid: number,
  limit: number,
): Promise<NamedStatement[]> {
  return reader.query<NamedStatement>(
    `
WITH RECURSIVE kin AS (
  SELECT $1::oid AS oid
  UNION SELECT more.oid FROM kin CROSS JOIN LATERAL (
    SELECT i.inhparent AS oid FROM pg_inherits i WHERE i.inhrelid = kin.oid
    UNION SELECT r.ev_class FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
      WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = kin.oid) AS more
), names AS MATERIALIZED (
  SELECT '(^|[^[:alnum:]_$])(' || string_agg(DISTINCT regexp_replace(replace(c.relname, '"', '""'), '([^[:alnum:]_])', '\\\\\\1', 'g'), '|')
    || ')([^[:alnum:]_$]|$)' AS pattern FROM kin JOIN pg_class c ON c.oid = kin.oid
), counted AS MATERIALIZED (
  SELECT ${countersSql(source)}, min(s.query) AS text FROM ${source.schema}.pg_stat_statements s
  WHERE ${ours} AND s.query ~* $2 AND NOT (s.userid = (SELECT oid FROM pg_roles WHERE rolname = current_user) AND s.query ~* $4) GROUP BY s.queryid
), ranked AS (
  SELECT counted.*, text ~* pattern AS "namesTable", row_number() OVER (PARTITION BY text ~* pattern ORDER BY "totalMs" DESC, queryid) AS rank
  FROM counted CROSS JOIN names
)
SELECT queryid, calls, "totalMs", squares, rows, "sinceMs", text, "namesTable" FROM ranked WHERE rank <= $3::int ORDER BY "namesTable" DESC, rank`,
    [tableOid, plannedPattern, limit, catalogPattern],
  );
}
