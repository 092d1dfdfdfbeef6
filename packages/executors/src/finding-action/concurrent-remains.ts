import { type StepRun, TargetError, type TargetReader } from '@slacktide/application/ports';
import type { ConcurrentStatement } from './statement-kind.ts';

/** An index that queries cannot use. */
export interface UnusableIndex {
  readonly oid: number;
  /** Without its schema, quoted by the server. */
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** Somebody else is building something on the table, or works on this very index. */
  readonly atWork: boolean;
}

/** Who is at work holds SHARE UPDATE EXCLUSIVE on the table or the index: locks are hidden from nobody. VACUUM and ANALYZE make no index. */
const unusableSql = `
SELECT c.oid, quote_ident(c.relname) AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
  EXISTS (SELECT FROM pg_locks l
    WHERE l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.relation IN (i.indrelid, i.indexrelid) AND l.granted AND l.mode = 'ShareUpdateExclusiveLock' AND l.pid IS DISTINCT FROM $2::int
      AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = l.pid)
      AND NOT EXISTS (SELECT FROM pg_stat_progress_analyze a WHERE a.pid = l.pid)) AS "atWork"
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid = $1::oid AND c.relkind = 'i' AND NOT (i.indisvalid AND i.indisready AND i.indislive)
ORDER BY c.oid`;

/** `pid` is our own acting session. */
export function readUnusable(reader: TargetReader, tableOid: number, pid: number): Promise<UnusableIndex[]> {
  return reader.query<UnusableIndex>(unusableSql, [tableOid, pid]);
}

/** What is left of a statement that failed. */
export interface Remains {
  readonly dropped: readonly string[];
  /** Still there, and why. */
  readonly left: readonly string[];
}

/** What a statement was about to be done to. */
export interface Workplace {
  readonly statement: ConcurrentStatement;
  readonly tableOid: number;
  /** Indexes that were unusable before. */
  readonly before: readonly UnusableIndex[];
}

/**
 * Drops what a failed CREATE or REINDEX of ours left unusable: new since before, of the name it gives, with nobody at work there. What a DROP
 * leaves is the index itself: that is told. Never throws.
 */
export async function clearRemains(run: StepRun<unknown>, workplace: Workplace): Promise<Remains> {
  const dropped: string[] = [];
  const left: string[] = [];
  try {
    for (const { quoted, atWork } of await readRemains(run, workplace)) {
      if (workplace.statement.operation === 'drop') {
        left.push(`${quoted}, which is invalid now: dropping it again ends what was begun`);
      } else if (atWork) {
        left.push(`${quoted}, because another session is at work there`);
      } else {
        await run.session.cleanUp(`SET lock_timeout = '10s'`);
        await run.session.cleanUp(`DROP INDEX CONCURRENTLY ${quoted}`).then(
          () => dropped.push(quoted),
          (error: unknown) => left.push(`${quoted}, which could not be dropped: ${reasonOf(error)}`),
        );
      }
    }
  } catch (error) {
    left.push(`it is not known what: ${reasonOf(error)}`);
  }
  return { dropped, left };
}

/** The session is lost, and with it the right to clear up: tells what to look for. */
export async function lostAmidWork(
  error: TargetError,
  run: StepRun<unknown>,
  workplace: Workplace,
): Promise<TargetError> {
  const { operation, relation, index } = workplace.statement;
  const remains = await readRemains(run, workplace).catch(() => []);
  const guess = { create: index, reindex: `${index} with the suffix _ccnew or _ccold`, drop: relation }[operation];
  const names = remains.map(({ quoted }) => quoted).join(', ') || guess;
  const message = `${error.message} It may have left an invalid index behind: ${names}`;
  return new TargetError('session_lost', message, { sqlState: error.sqlState, cause: error });
}

async function readRemains(run: StepRun<unknown>, workplace: Workplace): Promise<readonly UnusableIndex[]> {
  const { statement, tableOid, before } = workplace;
  const known = new Set(before.map(({ oid }) => oid));
  const now = await readUnusable(run.observer, tableOid, run.session.identity.pid);
  return now.filter((index) => !known.has(index.oid) && isOfItsName(index, statement));
}

function isOfItsName({ name, quoted }: UnusableIndex, { operation, relation, index }: ConcurrentStatement): boolean {
  if (operation === 'create') return name === index;
  return operation === 'drop' ? quoted === relation : /_cc(?:new|old)\d*"?$/.test(name);
}

function reasonOf(error: unknown): string {
  return error instanceof TargetError ? error.message : String(error);
}
