import type { StepRun, TargetReader } from '@slacktide/application/ports';
import { isWorkingCopyName } from '@slacktide/targets';
import { validSql } from './index-facts.ts';
import type { IndexRebuildConfig } from './schema.ts';

/** An invalid index beside the one that was to be rebuilt. */
export interface InvalidIndex {
  readonly oid: number;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** Somebody else is building or rebuilding on this table now. */
  readonly inProgress: boolean;
}

/** Shorter than the session's limit for cleaning up: a refused lock is then told from a statement that was cut short. */
const longestSweepLockTimeoutSeconds = 10;

/** The invalid indexes of a table, in the schema of `pid`'s work; `pid` is our own acting session. */
export function readInvalidIndexes(reader: TargetReader, tableOid: number, pid: number): Promise<InvalidIndex[]> {
  return reader.query<InvalidIndex>(
    `SELECT c.oid, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
  EXISTS (SELECT FROM pg_stat_progress_create_index p
          WHERE p.relid = $1::oid AND p.datname = current_database() AND p.pid <> $2::int) AS "inProgress"
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid = $1::oid AND NOT ${validSql} ORDER BY c.relname`,
    [tableOid, pid],
  );
}

/** What our statement cannot have made: it was invalid before, or is not named after the index. */
export interface Ours {
  readonly tableOid: number;
  readonly indexName: string;
  readonly invalidBefore: readonly InvalidIndex[];
}

/** The working copies our own statement left on the table: the lock it held there kept everybody else from making one. */
export async function readOwnLeftovers(run: StepRun<IndexRebuildConfig>, ours: Ours): Promise<InvalidIndex[]> {
  const now = await readInvalidIndexes(run.observer, ours.tableOid, run.session.identity.pid);
  const before = new Set(ours.invalidBefore.map(({ oid }) => oid));
  return now.filter(
    ({ oid, name, inProgress }) => !before.has(oid) && !inProgress && isWorkingCopyName(name, ours.indexName),
  );
}

export interface Sweep {
  readonly dropped: readonly string[];
  /** Still there, and why. */
  readonly left: readonly { readonly index: string; readonly reason: string }[];
}

/**
 * Drops what our failed or cancelled statement left, in the session that still holds the advisory lock. Never throws: what
 * cannot be dropped is told.
 */
export async function sweepLeftovers(run: StepRun<IndexRebuildConfig>, ours: Ours): Promise<Sweep> {
  const dropped: string[] = [];
  const left: { index: string; reason: string }[] = [];
  try {
    const leftovers = await readOwnLeftovers(run, ours);
    if (leftovers.length === 0) return { dropped, left };
    run.progress({ phase: 'dropping the unfinished index', percent: null, etaSeconds: null });
    const lockTimeoutSeconds = Math.min(run.config.lock_timeout_seconds, longestSweepLockTimeoutSeconds);
    await run.session.cleanUp(`SET lock_timeout = '${lockTimeoutSeconds}s'`);
    for (const { quoted } of leftovers) {
      await run.session.cleanUp(`DROP INDEX CONCURRENTLY ${quoted}`).then(
        () => dropped.push(quoted),
        (error: unknown) => left.push({ index: quoted, reason: reasonOf(error) }),
      );
    }
  } catch (error) {
    left.push({ index: `what is named ${ours.indexName}_ccnew or _ccold`, reason: reasonOf(error) });
  }
  return { dropped, left };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
