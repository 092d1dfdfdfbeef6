import type { FactsResult, TargetReader } from '@slacktide/application/ports';
import { readDirtyBytes } from './dirty-bytes.ts';

export interface CheckpointFacts {
  readonly permitted: boolean;
  /** The GRANT that would permit it, quoted by the server. */
  readonly grant: string;
  /** Since the latest checkpoint began, whoever asked for it. */
  readonly secondsSinceCheckpoint: number;
  /** What has to be written; null = unknown, because pg_buffercache is absent or closed to the role. */
  readonly dirtyBytes: number | null;
}

export async function readCheckpointFacts(reader: TargetReader): Promise<FactsResult<CheckpointFacts>> {
  const rights = await readCheckpointRights(reader);
  const { secondsSinceCheckpoint } = await readLatestCheckpoint(reader);
  return { kind: 'facts', facts: { ...rights, secondsSinceCheckpoint, dirtyBytes: await readDirtyBytes(reader) } };
}

/** The role pg_checkpoint came with 15; before it only superusers may. */
const roleSince = 150000;

export async function readCheckpointRights(
  reader: TargetReader,
): Promise<Pick<CheckpointFacts, 'permitted' | 'grant'>> {
  const sql =
    reader.serverVersion >= roleSince
      ? `SELECT pg_has_role('pg_checkpoint', 'USAGE') AS permitted, format('GRANT pg_checkpoint TO %I', current_user) AS "grant"`
      : `SELECT rolsuper AS permitted, format('ALTER ROLE %I SUPERUSER', current_user) AS "grant" FROM pg_roles WHERE rolname = current_user`;
  const [rights] = await reader.query<Pick<CheckpointFacts, 'permitted' | 'grant'>>(sql);
  if (rights === undefined) throw new Error('the current role is not in pg_roles');
  return rights;
}

export interface LatestCheckpoint {
  readonly lsn: string;
  readonly at: string;
  readonly secondsSinceCheckpoint: number;
}

/** From the control file, as every role may. */
export async function readLatestCheckpoint(reader: TargetReader): Promise<LatestCheckpoint> {
  const [latest] = await reader.query<LatestCheckpoint>(
    `SELECT checkpoint_lsn::text AS lsn, checkpoint_time::text AS at,
  greatest(extract(epoch FROM now() - checkpoint_time), 0)::float8 AS "secondsSinceCheckpoint" FROM pg_control_checkpoint()`,
  );
  if (latest === undefined) throw new Error('pg_control_checkpoint() returned no row');
  return latest;
}
