import type { TargetReader } from '@slacktide/application/ports';
import { readStatsGrantSql, secondsSinceSql } from '../catalogue/sessions.ts';

/** A session that builds an index in this database. */
export interface Build {
  readonly pid: number;
  readonly backendStart: string;
  readonly user: string | null;
  readonly applicationName: string | null;
  /** E.g. `CREATE INDEX CONCURRENTLY`. */
  readonly command: string;
  /** As PostgreSQL names it, e.g. `waiting for old snapshots`. */
  readonly phase: string;
  readonly schema: string;
  readonly table: string;
  readonly quotedTable: string;
  /** Null until others may see it. */
  readonly index: { readonly oid: number; readonly name: string; readonly quoted: string } | null;
  readonly lockersTotal: number;
  readonly lockersDone: number;
  readonly lockerPid: number | null;
  readonly blocksTotal: number;
  readonly blocksDone: number;
  readonly tuplesTotal: number;
  readonly tuplesDone: number;
  readonly partitionsDone: number;
  readonly waitEventType: string | null;
  readonly waitEvent: string | null;
  /** How long it has waited for the lock that it waits for now, by its own or a worker's process; null = for none. */
  readonly lockWaitSeconds: number | null;
  readonly runningSeconds: number | null;
  /** With literals. */
  readonly query: string | null;
}

/** A build whose details our role may not see. */
export interface HiddenBuild {
  readonly pid: number;
  /** Tables it keeps from being maintained, `schema.name` unquoted. */
  readonly tables: readonly string[];
}

export interface Builds {
  readonly inRecovery: boolean;
  readonly database: string;
  readonly builds: readonly Build[];
  readonly hidden: readonly HiddenBuild[];
  readonly readStatsGrant: string;
}

/** Who waits for somebody to end waits for a lock on a virtual transaction; its start is told from 14 on, to everybody. */
const buildsSql = `
WITH waits AS MATERIALIZED (
  SELECT coalesce(a.leader_pid, l.pid) AS pid, min(l.waitstart) AS since FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE NOT l.granted GROUP BY 1
)
SELECT p.pid, a.backend_start::text AS "backendStart", a.usename::text AS "user", a.application_name AS "applicationName", p.command, p.phase,
  n.nspname::text AS schema, t.relname::text AS "table", format('%I.%I', n.nspname, t.relname) AS "quotedTable",
  CASE WHEN x.oid IS NOT NULL THEN json_build_object('oid', x.oid::int8, 'name', x.relname, 'quoted', format('%I.%I', n.nspname, x.relname)) END AS index,
  p.lockers_total::float8 AS "lockersTotal", p.lockers_done::float8 AS "lockersDone", nullif(p.current_locker_pid, 0)::int AS "lockerPid",
  p.blocks_total::float8 AS "blocksTotal", p.blocks_done::float8 AS "blocksDone", p.tuples_total::float8 AS "tuplesTotal",
  p.tuples_done::float8 AS "tuplesDone", p.partitions_done::float8 AS "partitionsDone",
  a.wait_event_type AS "waitEventType", a.wait_event AS "waitEvent",
  ${secondsSinceSql('w.since')} AS "lockWaitSeconds",
  ${secondsSinceSql('a.query_start')} AS "runningSeconds", left(a.query, 2000) AS query
FROM pg_stat_progress_create_index p JOIN pg_stat_activity a ON a.pid = p.pid
  JOIN pg_class t ON t.oid = p.relid JOIN pg_namespace n ON n.oid = t.relnamespace
  LEFT JOIN pg_class x ON x.oid = p.index_relid LEFT JOIN waits w ON w.pid = p.pid
WHERE p.datname = current_database() AND a.backend_start IS NOT NULL AND p.pid <> pg_backend_pid()
ORDER BY p.pid`;

const hiddenSql = `
SELECT p.pid, ARRAY(SELECT concat(n.nspname, '.', t.relname) FROM pg_locks l JOIN pg_class t ON t.oid = l.relation
    JOIN pg_namespace n ON n.oid = t.relnamespace
  WHERE l.pid = p.pid AND l.locktype = 'relation' AND l.granted AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock')
    AND l.database = p.datid AND t.relkind IN ('r', 'm', 'p') ORDER BY 1) AS tables
FROM pg_stat_progress_create_index p
WHERE p.datname = current_database() AND p.relid IS NULL
ORDER BY p.pid`;

const aroundSql = `
SELECT pg_is_in_recovery() AS "inRecovery", current_database()::text AS database, ${readStatsGrantSql} AS "readStatsGrant"`;

/** Shared memory and the catalogue; no relation is opened. */
export async function readBuilds(reader: TargetReader): Promise<Builds> {
  const [around] = await reader.query<Omit<Builds, 'builds' | 'hidden'>>(aroundSql);
  if (around === undefined) throw new Error('a SELECT without FROM returned no row');
  return {
    ...around,
    builds: await reader.query<Build>(buildsSql),
    hidden: await reader.query<HiddenBuild>(hiddenSql),
  };
}
