import { blockerWords, type ConcurrentEnd, runConcurrently, runOnTable, shortAttempts } from '@slacktide/acting';
import type { PlannedStep, StepOutcome, StepRun, TargetReader } from '@slacktide/application/ports';
import type { RollbackConfig } from './schema.ts';
import { type RollbackStatement, rollbackStatement } from './statement-kind.ts';

/** How long to wait, in all, for the lock of a statement that is over in a moment. */
const lockLimitMs = 30_000;
type Failed = Extract<StepOutcome, { kind: 'failed' }>;

/** Sends one statement as its kind needs; null = it was done. */
export async function sendRollback(
  statement: string,
  step: PlannedStep,
  run: StepRun<RollbackConfig>,
): Promise<Failed | null> {
  const kind = rollbackStatement(statement);
  if (kind.kind === 'create') {
    const table = await readRelation(run.observer, kind.table);
    if (table === undefined) return failed('table_gone', `there is no table ${kind.table} any more`);
    const { tableOid, schema } = table;
    const work = { operation: 'create', statement, tableOid, schema, index: kind.index, step: step.key } as const;
    return failureOf(await runConcurrently(run, work, run.config));
  }
  if (kind.kind === 'drop') {
    const index = await readRelation(run.observer, kind.quoted);
    if (index === undefined) return null;
    const { tableOid, schema, name } = index;
    const work = { operation: 'drop', statement, tableOid, schema, index: name, step: step.key } as const;
    return failureOf(await runConcurrently(run, work, run.config));
  }
  if (kind.kind === 'drop_whole' && (await readRelation(run.observer, kind.quoted)) === undefined) return null;
  const locked = lockedRelation(kind);
  const relation = locked === undefined ? undefined : await readRelation(run.observer, locked);
  if (relation === undefined) {
    await run.session.execute(`SET lock_timeout = '1s'`);
    await run.session.execute(statement);
    return null;
  }
  const isStrong = step.lockMode === 'ACCESS EXCLUSIVE';
  const lock = kind.kind === 'create_whole' ? 'SHARE' : isStrong ? 'ACCESS EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE';
  const ran = await runOnTable(run, { tableOid: relation.tableOid, statement, lock, ...shortAttempts(lockLimitMs) });
  if (ran.kind === 'ran') return null;
  const who = ran.blockers.map(blockerWords).join('; ') || 'nobody any more';
  return failed('lock_timeout', `no lock for ${statement}; in the way: ${who}`);
}

/** Whose lock a statement that is over in a moment waits for; undefined = nothing that could be told. */
function lockedRelation(kind: RollbackStatement): string | undefined {
  switch (kind.kind) {
    case 'short':
      return kind.relation;
    case 'create_whole':
      return kind.table;
    case 'drop_whole':
      return kind.quoted;
    default:
      return undefined;
  }
}

/** Whoever asked for it has not got it: what was skipped has failed. */
function failureOf(end: ConcurrentEnd): Failed | null {
  switch (end.kind) {
    case 'done':
      return null;
    case 'skipped':
      return {
        kind: 'failed',
        error: { code: end.reason, message: 'older transactions are in the way', detail: end.result },
      };
    case 'failed':
      return end;
  }
}

function failed(code: string, message: string): Failed {
  return { kind: 'failed', error: { code, message } };
}

interface Relation {
  /** Of the table that it is, or is an index of. */
  readonly tableOid: number;
  readonly schema: string;
  readonly name: string;
}

async function readRelation(reader: TargetReader, quoted: string): Promise<Relation | undefined> {
  const [row] = await reader.query<Relation>(
    `SELECT coalesce(i.indrelid, c.oid) AS "tableOid", n.nspname::text AS schema, c.relname::text AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE format('%I.%I', n.nspname, c.relname) = $1`,
    [quoted],
  );
  return row;
}
