import type { TargetReader } from '@slacktide/application/ports';
import type { LoadFigures } from '@slacktide/domain';
import { partly } from './gaps.ts';
import type { LoadRights } from './rights.ts';

interface Row {
  readonly end: number;
  readonly seconds: number | null;
  readonly bytes: number | null;
  readonly hidden: number;
  readonly unmeasured: number;
}

/** The end of the write-ahead log, and how far standbys are behind it: both of one moment. */
export async function readReplication(reader: TargetReader, { statsGrant }: LoadRights): Promise<LoadFigures> {
  const [row] = await reader.query<Row>(replicationSql);
  if (row === undefined) throw new Error('an aggregate returned no row');
  const { end, seconds, bytes, hidden, unmeasured } = row;
  const unseen = hidden > 0 && {
    reason: `what ${hidden} of the standbys has replayed is hidden from our role`,
    grant: statsGrant,
  };
  const unheard = unmeasured > 0 && { reason: 'the server has not measured the lag of every standby', grant: null };
  return {
    walBytes: { value: end },
    replicaLagBytes: partly(bytes ?? 0, unseen),
    replicaLagSeconds: partly(seconds ?? 0, unseen || unheard),
  };
}

/** A standby is what streams all databases and replays; a lag that is not measured may be none: nothing happened lately. */
const replicationSql = `
WITH wal AS MATERIALIZED (SELECT pg_current_wal_lsn() AS lsn),
standby AS (
  SELECT r.state, r.replay_lag, greatest(pg_wal_lsn_diff(wal.lsn, r.replay_lsn), 0)::float8 AS bytes
  FROM wal CROSS JOIN pg_stat_replication r JOIN pg_stat_activity a ON a.pid = r.pid
  WHERE a.datid IS NULL AND (r.state IS NULL OR (r.state IN ('streaming', 'catchup') AND r.replay_lsn IS NOT NULL)))
SELECT pg_wal_lsn_diff((SELECT lsn FROM wal), '0/0')::float8 AS end,
  max(CASE WHEN bytes = 0 THEN 0 ELSE extract(epoch FROM replay_lag) END)::float8 AS seconds, max(bytes) AS bytes,
  count(*) FILTER (WHERE state IS NULL)::int AS hidden,
  count(*) FILTER (WHERE bytes > 0 AND replay_lag IS NULL)::int AS unmeasured
FROM standby`;
