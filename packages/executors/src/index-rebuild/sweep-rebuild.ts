import { type Remnant, type RemnantOutcome, TargetError, type TargetSession } from '@slacktide/application/ports';
import { workingCopyOf } from '@slacktide/targets';
import { type InvalidIndex, readInvalidIndexes } from './leftovers.ts';
import { type RebuildProof, readProof } from './remnant.ts';

const sweepLockTimeoutSeconds = 10;

/**
 * Drops the working copy that a rebuild cut short left on its table, where the record proves it to be that:
 *
 *   invalid, named as a working copy of the index, nobody building on the table, and
 *   `_ccold`: the very index that was being rebuilt, by its OID
 *   `_ccnew`: not there when the rebuild began, and the only one of its kind
 *
 * A rebuild leaves one of the two at most. Of several new ones one may be somebody else's: then none is touched.
 */
export async function sweepRebuild(
  session: TargetSession,
  remnant: Remnant,
): Promise<{ readonly outcome: RemnantOutcome; readonly note: string }> {
  const proof = readProof(remnant.proof);
  if (proof === undefined) return { outcome: 'kept', note: `record ${remnant.id} is none of a rebuild` };
  if (!(await isSameDatabase(session, proof))) {
    return { outcome: 'kept', note: `record ${remnant.id} is of the database ${proof.database} on another system` };
  }
  const candidates = (await readInvalidIndexes(session, proof.table_oid, session.identity.pid)).filter((index) =>
    mayBeOurs(index, proof),
  );
  const [ours] = candidates;
  if (ours === undefined) return { outcome: 'absent', note: `nothing is left of the rebuild of ${proof.step}` };
  const names = candidates.map(({ quoted }) => quoted).join(', ');
  if (candidates.length > 1) return { outcome: 'kept', note: `one of these is ours, but which is not known: ${names}` };
  if (ours.inProgress) throw new TargetError('lock_timeout', `${names} stays for now: its table is being worked on`);
  await session.execute(`SET lock_timeout = '${sweepLockTimeoutSeconds}s'`);
  try {
    await session.execute(`DROP INDEX CONCURRENTLY ${ours.quoted}`);
  } catch (error) {
    if (!(error instanceof TargetError) || error.code === 'session_lost' || error.code === 'cancelled') throw error;
    throw new TargetError(error.code, `${names} could not be dropped: ${error.message}`, {
      sqlState: error.sqlState,
      cause: error,
    });
  }
  await session.execute('RESET lock_timeout');
  return { outcome: 'swept', note: `dropped ${ours.quoted}` };
}

function mayBeOurs({ oid, name }: InvalidIndex, proof: RebuildProof): boolean {
  switch (workingCopyOf(name, proof.index)) {
    case 'ccold':
      return oid === proof.index_oid;
    case 'ccnew':
      return !proof.indexes_before.includes(oid);
    case null:
      return false;
  }
}

async function isSameDatabase(session: TargetSession, proof: RebuildProof): Promise<boolean> {
  if (session.identity.epoch.systemIdentifier !== proof.system_identifier) return false;
  const [row] = await session.query<{ database: string }>('SELECT current_database()::text AS database');
  return row?.database === proof.database;
}
