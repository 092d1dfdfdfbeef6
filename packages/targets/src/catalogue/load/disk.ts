import type { TargetReader } from '@slacktide/application/ports';
import type { LoadFigure } from '@slacktide/domain';
import { partly } from './gaps.ts';
import type { LoadRights } from './rights.ts';

/** What all databases of the server take, and its write-ahead log. */
export async function readUsedDisk(
  reader: TargetReader,
  { directoriesGrant, listsWal }: LoadRights,
): Promise<LoadFigure> {
  const [databases] = await reader.query<{ bytes: number; hidden: number }>(databasesSql);
  if (databases === undefined) throw new Error('an aggregate returned no row');
  const [wal] = listsWal ? await reader.query<{ bytes: number }>(walSql) : [];
  const unseen = [
    ...(databases.hidden > 0 ? [`the size of ${databases.hidden} databases`] : []),
    ...(wal === undefined ? ['the size of the write-ahead log'] : []),
  ];
  const gap = { reason: `${unseen.join(' and ')} is hidden from our role`, grant: directoriesGrant };
  return partly(databases.bytes + (wal?.bytes ?? 0), unseen.length > 0 && gap);
}

/** pg_database_size refuses what the condition leaves out. */
const databasesSql = `
SELECT coalesce(sum(bytes), 0)::float8 AS bytes, count(*) FILTER (WHERE bytes IS NULL)::int AS hidden
FROM (SELECT CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE') OR has_database_privilege(oid, 'CONNECT')
    THEN pg_database_size(oid) END AS bytes FROM pg_database) AS each`;

const walSql = 'SELECT coalesce(sum(size), 0)::float8 AS bytes FROM pg_ls_waldir()';
