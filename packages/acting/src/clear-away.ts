import { setTimeout as sleep } from 'node:timers/promises';
import type { ActRun } from './act-run.ts';
import type { ConcurrentProof } from './concurrent-remnant.ts';
import type { ConcurrentEnd, ConcurrentLimits } from './concurrent-work.ts';
import { isLeftoverOf, sortLeftovers } from './leftover-of.ts';
import { readUnusable, type UnusableIndex } from './unusable-indexes.ts';

/** Shorter than the session's limit for cleaning up: a refused lock is then told from a statement that was cut short. */
const longestLockTimeoutSeconds = 10;
const atWorkPollMs = 100;

/** What was done about what a failed statement left. */
export interface ClearedAway {
  readonly dropped: readonly string[];
  /** Indexes that a failed drop had made unusable, and that are valid again. */
  readonly rebuilt: readonly string[];
  /** Still there, and why. */
  readonly left: readonly { readonly index: string; readonly reason: string }[];
  /** The statement was a drop that had come so far that it could only be finished: it was. */
  readonly finishedDrop: boolean;
}

/** Makes an index valid again that a failed drop left unusable: a REINDEX as safe as any. */
export type Rebuild = (lost: UnusableIndex) => Promise<ConcurrentEnd>;

/** What our own statement left on the table: the lock it held there kept everybody else from making it. */
export async function readLeftovers(run: ActRun, proof: ConcurrentProof): Promise<readonly UnusableIndex[]> {
  const unusable = await readUnusable(run.observer, proof.table_oid, run.session.identity.pid);
  return unusable.filter((index) => isLeftoverOf(index, proof));
}

/**
 * Drops what our failed or cancelled statement left, and makes valid again what a failed DROP left, in the session that still holds the advisory lock. Never
 * throws: what cannot be done is told, and stays on record.
 */
export async function clearAway(
  run: ActRun,
  proof: ConcurrentProof,
  { lock_timeout_seconds }: Pick<ConcurrentLimits, 'lock_timeout_seconds'>,
  rebuild: Rebuild,
): Promise<ClearedAway> {
  const dropped: string[] = [];
  const rebuilt: string[] = [];
  const left: { index: string; reason: string }[] = [];
  let finishedDrop = false;
  try {
    const leftovers = await readLeftovers(run, proof);
    if (leftovers.length === 0) return { dropped, rebuilt, left, finishedDrop };
    run.progress({ phase: 'clearing away what is unfinished', percent: null, etaSeconds: null });
    const work = sortLeftovers(leftovers, proof);
    for (const { quoted } of work.unclear) left.push({ index: quoted, reason: 'it may be somebody else’s' });
    const seconds = Math.min(lock_timeout_seconds, longestLockTimeoutSeconds);
    await run.session.cleanUp(`SET lock_timeout = '${seconds}s'`);
    for (const index of work.drop) {
      const reason = await drop(run, proof, index, seconds);
      if (reason !== null) left.push({ index: index.quoted, reason });
      else dropped.push(index.quoted);
      finishedDrop ||= reason === null && proof.operation === 'drop' && index.oid === proof.index_oid;
    }
    if (work.rebuild !== null) {
      const { quoted } = work.rebuild;
      const reason = await makeValid(run, work.rebuild, rebuild);
      if (reason !== null) left.push({ index: quoted, reason });
      else rebuilt.push(quoted);
    }
  } catch (error) {
    left.push({ index: `what was left of ${proof.index}`, reason: reasonOf(error) });
  }
  return { dropped, rebuilt, left, finishedDrop };
}

/** Null = dropped. */
async function drop(
  run: ActRun,
  proof: ConcurrentProof,
  index: UnusableIndex,
  seconds: number,
): Promise<string | null> {
  const state = await afterOthers(run, proof, index, seconds);
  if (state === 'gone') return null;
  if (state === 'at_work') return 'another session is at work there';
  return await run.session.cleanUp(`DROP INDEX CONCURRENTLY ${index.quoted}`).then(() => null, reasonOf);
}

/** Whoever waited for our statement is at work now that it gave way, often for a moment only: waits for them as long as for a lock. */
async function afterOthers(
  run: ActRun,
  proof: ConcurrentProof,
  index: UnusableIndex,
  seconds: number,
): Promise<'free' | 'at_work' | 'gone'> {
  const untilMs = performance.now() + seconds * 1_000;
  for (let { atWork } = index; atWork; ) {
    if (performance.now() > untilMs) return 'at_work';
    run.progress({ phase: 'waiting for who is at work there', percent: null, etaSeconds: null });
    // Being told to stop is no reason to leave something behind.
    await sleep(atWorkPollMs);
    const now = (await readLeftovers(run, proof)).find(({ oid }) => oid === index.oid);
    if (now === undefined) return 'gone';
    atWork = now.atWork;
  }
  return 'free';
}

/** A rebuild may take long: it is done only by work that was not told to stop. Null = valid again. */
async function makeValid(run: ActRun, lost: UnusableIndex, rebuild: Rebuild): Promise<string | null> {
  const because = 'the drop that was cut short left it unusable';
  if (run.signal.aborted) return `${because}; the next task on the target makes it valid again`;
  const end = await rebuild(lost).catch((error: unknown) => reasonOf(error));
  if (typeof end === 'string') return `${because}, and it could not be rebuilt: ${end}`;
  switch (end.kind) {
    case 'done':
      return null;
    case 'skipped':
      return `${because}, and it could not be rebuilt: ${end.reason}`;
    case 'failed':
      return `${because}, and it could not be rebuilt: ${end.error.message}`;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
