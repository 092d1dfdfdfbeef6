import { TargetError, type TargetSession } from '@slacktide/application/ports';
import { redactStatement } from '@slacktide/domain';
import { explainPrepared, searchPathSql } from '../explain-prepared.ts';
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
      const explain = await explainPrepared(session, `slacktide_rehearsal_${position}`, text, 'VERBOSE, FORMAT JSON');
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
