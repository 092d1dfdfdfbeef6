import { TargetError, type TargetSession } from '@slacktide/application/ports';
import { redactStatement } from '@slacktide/domain';
import { mayRunForeignCode } from './foreign-code.ts';
import type { GuardedIndex } from './guarded-index.ts';
import { type PlanShape, toPlanShape } from './plan-shape.ts';
import type { LeftOutStatement } from './rehearsal.ts';
import type { NamedStatement } from './statement-counters.ts';

/** A statement that can be planned again and again under this name. */
export interface PreparedStatement {
  readonly queryid: string;
  readonly statement: string;
  readonly explain: string;
  readonly before: PlanShape;
}

export interface Prepared {
  readonly prepared: readonly PreparedStatement[];
  readonly leftOut: readonly LeftOutStatement[];
}

/** Where unqualified names are looked for, as those who execute the statements do: `"$user"` is nobody here, and the table's own schema comes last. */
const searchPathSql = `
SELECT pg_catalog.set_config('search_path', coalesce((SELECT split_part(setting, '=', 2) FROM pg_db_role_setting CROSS JOIN unnest(setconfig) AS setting
    WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) AND setrole = 0 AND setting LIKE 'search_path=%'
    ORDER BY setdatabase DESC LIMIT 1), 'public') || ', ' || quote_ident($1::text), false)`;

/**
 * Prepares statements in the session and plans each once, for parameters nobody knows. Those that do not touch the table are passed over. Locks are held for
 * no longer than it takes to plan one. Everything is undone by `forgetPrepared`.
 */
export async function prepareStatements(
  session: TargetSession,
  statements: readonly NamedStatement[],
  index: GuardedIndex,
): Promise<Prepared> {
  const prepared: PreparedStatement[] = [];
  const leftOut: LeftOutStatement[] = [];
  const harmless: NamedStatement[] = [];
  for (const statement of statements) {
    const { queryid, text } = statement;
    if (!(await mayRunForeignCode(session, text, index.tableOid))) harmless.push(statement);
    else leftOut.push({ queryid, statement: redactStatement(text), reason: 'may_run_foreign_code' });
  }
  await session.execute('SET plan_cache_mode = force_generic_plan');
  // From here on names of ours have to be qualified: a schema of the path may have something of the same name.
  await session.query(searchPathSql, [index.tableSchema]);
  for (const [position, { queryid, text }] of harmless.entries()) {
    const statement = redactStatement(text);
    try {
      const explain = await prepare(session, `slacktide_rehearsal_${position}`, text);
      const before = await planOf(session, explain);
      const touches = before.tables.some(
        ({ schema, name }) => schema === index.tableSchema && name === index.tableName,
      );
      if (touches) prepared.push({ queryid, statement, explain, before });
    } catch (error) {
      // The server may quote the statement in what it says: the code has to do.
      if (!(error instanceof TargetError) || isOver(error)) throw error;
      leftOut.push({ queryid, statement, reason: `not_plannable ${error.sqlState ?? error.code}` });
    }
  }
  return { prepared, leftOut };
}

/** One statement by the grammar, of those that are planned; what it would do is not done. */
async function prepare(session: TargetSession, name: string, text: string): Promise<string> {
  await session.execute(`PREPARE ${name} AS ${text}`);
  const [row] = await session.query<{ parameters: number }>(
    `SELECT pg_catalog.cardinality(parameter_types) AS parameters FROM pg_catalog.pg_prepared_statements
WHERE name OPERATOR(pg_catalog.=) $1::pg_catalog.text`,
    [name],
  );
  const parameters = Array.from({ length: row?.parameters ?? 0 }, () => 'NULL').join(', ');
  return `EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE ${name}${parameters === '' ? '' : `(${parameters})`}`;
}

/** The plan of a prepared statement as the server would make it now. */
export async function planOf(session: TargetSession, explain: string): Promise<PlanShape> {
  const [row] = await session.query<{ 'QUERY PLAN': unknown }>(explain);
  return toPlanShape(row?.['QUERY PLAN']);
}

/** Leaves the session as it was before `prepareStatements`; allowed after an abort. */
export async function forgetPrepared(session: TargetSession): Promise<void> {
  await session.cleanUp('DEALLOCATE ALL');
  await session.cleanUp('RESET plan_cache_mode');
  await session.cleanUp('RESET search_path');
}

function isOver({ code }: TargetError): boolean {
  return code === 'session_lost' || code === 'cancelled';
}
