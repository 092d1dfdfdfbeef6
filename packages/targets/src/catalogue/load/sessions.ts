import type { TargetReader } from '@slacktide/application/ports';
import type { LoadFigure } from '@slacktide/domain';
import { partly } from './gaps.ts';
import type { LoadRights } from './rights.ts';

/** Sessions at work in any database of the server, without those of Slacktide. */
export async function readActiveSessions(reader: TargetReader, { statsGrant }: LoadRights): Promise<LoadFigure> {
  const [row] = await reader.query<{ active: number; hidden: number; silent: number }>(sessionsSql);
  if (row === undefined) throw new Error('an aggregate returned no row');
  const { active, hidden, silent } = row;
  if (hidden > 0) {
    return partly(active, { reason: `what ${hidden} sessions do is hidden from our role`, grant: statsGrant });
  }
  return partly(active, silent > 0 && { reason: `track_activities is off in ${silent} sessions`, grant: null });
}

/** A hidden row has its database and role, but not what kind of process it is. */
const sessionsSql = `
SELECT count(*) FILTER (WHERE backend_type = 'client backend' AND state IN ('active', 'fastpath function call'))::float8 AS active,
  count(*) FILTER (WHERE backend_type IS NULL AND datid IS NOT NULL AND usesysid IS NOT NULL)::int AS hidden,
  count(*) FILTER (WHERE backend_type = 'client backend' AND state = 'disabled')::int AS silent
FROM pg_stat_activity WHERE coalesce(application_name, '') NOT LIKE 'slacktide/%'`;

/** Sessions that wait for a lock which the session `pid` has, or asked for before them. */
export async function readWaitingSessions(reader: TargetReader, pid: number): Promise<LoadFigure> {
  const [row] = await reader.query<{ waiting: number }>(waitingSql, [pid]);
  return { value: row?.waiting ?? 0 };
}

/** pg_blocking_pids stops the lock manager for a moment: it is asked about those only that wait. */
const waitingSql = `
WITH waiting AS MATERIALIZED (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted AND pid IS NOT NULL)
SELECT count(*)::float8 AS waiting FROM waiting WHERE $1::int = ANY (pg_blocking_pids(pid))`;
