import type { TargetReader } from '@slacktide/application/ports';
import type { LoadFigure, LoadFigures, ThrottleLimits } from '@slacktide/domain';
import { readArchiveBacklog } from './archive.ts';
import { readUsedDisk } from './disk.ts';
import { orGaps } from './gaps.ts';
import { readReplication } from './replication.ts';
import { type LoadRights, readRights } from './rights.ts';
import { readActiveSessions, readWaitingSessions } from './sessions.ts';

type Names = readonly (keyof LoadFigures)[];

/** One statement each, so that a refusal costs only its own figures; `asks` is true when a limit is set that needs them. */
const parts: readonly {
  readonly figures: Names;
  readonly asks: (limits: ThrottleLimits) => boolean;
  readonly read: (reader: TargetReader, rights: LoadRights, actingPid: number) => Promise<LoadFigures>;
}[] = [
  {
    figures: ['walBytes', 'replicaLagBytes', 'replicaLagSeconds'],
    asks: (limits) =>
      limits.max_replica_lag_seconds !== null ||
      limits.max_replica_lag_mb !== null ||
      limits.max_wal_mb_per_second !== null,
    read: readReplication,
  },
  {
    figures: ['archiveBacklog'],
    asks: (limits) => limits.max_archive_backlog !== null,
    read: async (reader, rights) => ({ archiveBacklog: await readArchiveBacklog(reader, rights) }),
  },
  {
    figures: ['usedDiskBytes'],
    // Every file of every database is looked at for it.
    asks: (limits) => limits.min_free_disk_mb !== null && limits.capacity_mb !== null,
    read: async (reader, rights) => ({ usedDiskBytes: await readUsedDisk(reader, rights) }),
  },
  {
    figures: ['activeSessions'],
    asks: (limits) => limits.max_active_sessions !== null,
    read: async (reader, rights) => ({ activeSessions: await readActiveSessions(reader, rights) }),
  },
  {
    figures: ['requestedCheckpoints'],
    asks: (limits) => limits.max_requested_checkpoints !== null,
    read: async (reader, rights) => ({ requestedCheckpoints: await readCheckpoints(reader, rights) }),
  },
  {
    figures: ['waitingSessions'],
    asks: (limits) => limits.max_waiting_sessions !== null,
    read: async (reader, _, actingPid) => ({ waitingSessions: await readWaitingSessions(reader, actingPid) }),
  },
];

/** The figures of the server's load that `limits` ask for. */
export async function readLoad(reader: TargetReader, limits: ThrottleLimits, actingPid: number): Promise<LoadFigures> {
  const asked = parts.filter(({ asks }) => asks(limits));
  const names = asked.flatMap(({ figures }) => figures);
  return await orGaps(names, async () => {
    const rights = await readRights(reader);
    const read: LoadFigures[] = [];
    for (const part of asked) read.push(await orGaps(part.figures, () => part.read(reader, rights, actingPid)));
    return Object.assign({}, ...read) as LoadFigures;
  });
}

async function readCheckpoints(reader: TargetReader, { hasCheckpointer }: LoadRights): Promise<LoadFigure> {
  const [row] = await reader.query<{ requested: number }>(
    hasCheckpointer
      ? 'SELECT num_requested::float8 AS requested FROM pg_stat_checkpointer'
      : 'SELECT checkpoints_req::float8 AS requested FROM pg_stat_bgwriter',
  );
  if (row === undefined) throw new Error('expected the row of the counters of checkpoints');
  return { value: row.requested };
}
