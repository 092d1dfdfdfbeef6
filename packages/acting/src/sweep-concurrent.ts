import { type Remnant, type RemnantOutcome, TargetError, type TargetSession } from '@slacktide/application/ports';
import { readBlockers } from '@slacktide/targets';
import { blockerWords } from './blocker-words.ts';
import { type ConcurrentProof, readConcurrentProof } from './concurrent-remnant.ts';
import { isLeftoverOf, sortLeftovers } from './leftover-of.ts';
import { buildsCorruptIndexes } from './unsafe-builds.ts';
import { readUnusable, type UnusableIndex } from './unusable-indexes.ts';

const sweepLockTimeoutSeconds = 10;

interface Swept {
  readonly outcome: RemnantOutcome;
  readonly note: string;
}

/**
 * Drops what a CREATE or REINDEX cut short left on its table, and makes valid again what a DROP cut short left, where the record proves it to be that
 * (`isLeftoverOf`) and nobody builds on the table. Of several that it may be, one may be somebody else's, and none is touched. A rebuild begins only when
 * nobody is in its way. Rejects with TargetError where it cannot be done now.
 */
export async function sweepConcurrent(session: TargetSession, remnant: Remnant): Promise<Swept> {
  const proof = readConcurrentProof(remnant.proof);
  if (proof === undefined) return { outcome: 'kept', note: `record ${remnant.id} is none of a concurrent statement` };
  if (!(await isSameDatabase(session, proof))) {
    return { outcome: 'kept', note: `record ${remnant.id} is of the database ${proof.database} on another system` };
  }
  const leftovers = await readLeftovers(session, proof);
  if (leftovers.length === 0) return { outcome: 'absent', note: `nothing is left of ${proof.step}` };
  const { unclear, drop, rebuild } = sortLeftovers(leftovers, proof);
  const busy = [...drop, ...(rebuild === null ? [] : [rebuild])].filter(({ atWork }) => atWork);
  if (busy.length > 0) {
    throw new TargetError('lock_timeout', `${namesOf(busy)} stays for now: its table is being worked on`);
  }
  await session.execute(`SET lock_timeout = '${sweepLockTimeoutSeconds}s'`);
  const done: string[] = [];
  for (const index of drop) {
    await execute(session, `DROP INDEX CONCURRENTLY ${index.quoted}`, `${index.quoted} could not be dropped`);
    done.push(`dropped ${index.quoted}`);
  }
  if (rebuild !== null) {
    await makeValid(session, rebuild, proof);
    done.push(`made valid again ${rebuild.quoted}`);
  }
  await session.execute('RESET lock_timeout');
  if (unclear.length > 0) {
    const note = [...done, `one of these is ours, but which is not known: ${namesOf(unclear)}`].join('; ');
    return { outcome: 'kept', note };
  }
  return { outcome: 'swept', note: done.join('; ') };
}

async function makeValid(session: TargetSession, { quoted }: UnusableIndex, proof: ConcurrentProof): Promise<void> {
  const failed = `${quoted} could not be made valid again`;
  if (buildsCorruptIndexes(session.serverVersion)) {
    throw new TargetError('unsupported_version', `${failed}: PostgreSQL 14.0 to 14.3 may corrupt what it rebuilds`);
  }
  const blockers = await readBlockers(session, proof.table_oid, 'reindex', [session.identity.pid]);
  if (blockers.length > 0) {
    throw new TargetError('lock_timeout', `${failed}; in the way: ${blockers.map(blockerWords).join('; ')}`);
  }
  try {
    await execute(session, `REINDEX INDEX CONCURRENTLY ${quoted}`, failed);
  } catch (error) {
    await dropOwnCopy(session, proof).catch(() => undefined); // else the next sweep does
    throw error;
  }
}

/** What the rebuild has just left. */
async function dropOwnCopy(session: TargetSession, proof: ConcurrentProof): Promise<void> {
  const { drop } = sortLeftovers(await readLeftovers(session, proof), proof);
  for (const { quoted, atWork } of drop) {
    if (!atWork) await session.cleanUp(`DROP INDEX CONCURRENTLY ${quoted}`);
  }
}

async function readLeftovers(session: TargetSession, proof: ConcurrentProof): Promise<UnusableIndex[]> {
  const unusable = await readUnusable(session, proof.table_oid, session.identity.pid);
  return unusable.filter((index) => isLeftoverOf(index, proof));
}

async function execute(session: TargetSession, statement: string, failed: string): Promise<void> {
  try {
    await session.execute(statement);
  } catch (error) {
    if (!(error instanceof TargetError) || error.code === 'session_lost' || error.code === 'cancelled') throw error;
    throw new TargetError(error.code, `${failed}: ${error.message}`, { sqlState: error.sqlState, cause: error });
  }
}

function namesOf(indexes: readonly UnusableIndex[]): string {
  return indexes.map(({ quoted }) => quoted).join(', ');
}

async function isSameDatabase(session: TargetSession, proof: ConcurrentProof): Promise<boolean> {
  if (session.identity.epoch.systemIdentifier !== proof.system_identifier) return false;
  const [row] = await session.query<{ database: string }>('SELECT current_database()::text AS database');
  return row?.database === proof.database;
}
