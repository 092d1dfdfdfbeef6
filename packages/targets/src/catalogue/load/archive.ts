import type { TargetReader } from '@slacktide/application/ports';
import type { LoadFigure } from '@slacktide/domain';
import { partly } from './gaps.ts';
import type { LoadRights } from './rights.ts';

/** Segments that wait to be archived. Whoever may not list them can still tell the latest that was archived from the one being written. */
export async function readArchiveBacklog(
  reader: TargetReader,
  { archives, directoriesGrant, listsArchive }: LoadRights,
): Promise<LoadFigure> {
  if (!archives) return { value: 0 };
  const [row] = await reader.query<{ backlog: number | null }>(listsArchive ? readySql : archiverSql);
  const backlog = row?.backlog ?? null;
  const gap = { reason: 'pg_stat_archiver names no segment of this timeline yet', grant: directoriesGrant };
  return partly(backlog, backlog === null && gap);
}

const readySql = `SELECT count(*)::float8 AS backlog FROM pg_ls_archive_statusdir() WHERE name ~ '^[0-9A-F]{24}[.]ready$'`;

/** The segment being written does not wait. At the very end of one, pg_walfile_name names it and not the next before 17: so it is asked for the timeline alone. */
const archiverSql = `
SELECT CASE WHEN archived ~ '^[0-9A-F]{24}$' AND left(archived, 8) = timeline THEN greatest(div(pg_wal_lsn_diff(lsn, '0/0'), size)
    - ('x' || substr(archived, 9, 8))::bit(32)::bigint * (4294967296 / size) - ('x' || substr(archived, 17, 8))::bit(32)::bigint - 1, 0)::float8
  END AS backlog
FROM (SELECT last_archived_wal AS archived, pg_current_wal_lsn() AS lsn, left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline,
    pg_size_bytes(current_setting('wal_segment_size')) AS size FROM pg_stat_archiver) AS each`;
