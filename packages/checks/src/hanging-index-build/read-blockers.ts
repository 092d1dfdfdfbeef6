import type { TargetReader } from '@slacktide/application/ports';
import {
  type EndRefusal,
  endRefusalSql,
  secondsSinceSql,
  signalGrantSql,
  signalStatementSql,
  stateHiddenSql,
} from '../catalogue/sessions.ts';

/** Somebody a build waits for, directly or over others. Figures are null where our role may not see them. */
export interface Blocker {
  /** The build's session. */
  readonly build: number;
  /** 1 = the build waits for it; 2 = that one does, and so on. */
  readonly depth: number;
  /** Null for a prepared transaction. */
  readonly pid: number | null;
  readonly preparedTransaction: string | null;
  readonly waitsFor: readonly number[];
  readonly hidden: boolean;
  readonly user: string | null;
  readonly applicationName: string | null;
  readonly backendType: string | null;
  readonly state: string | null;
  readonly stateSeconds: number | null;
  readonly transactionSeconds: number | null;
  readonly waitEventType: string | null;
  /** With literals. */
  readonly query: string | null;
  readonly refusal: EndRefusal | null;
  readonly endSql: string | null;
}

export interface Blockers {
  readonly blockers: readonly Blocker[];
  readonly signalGrant: string;
}

/** Asking who blocks a session briefly stops the lock manager: no more builds, and no longer chains, than these. */
const mostBuilds = 20;
const deepest = 5;

/** Prepared transactions block as pid 0: they are told by their lock on the build's table. */
const blockersSql = `
WITH RECURSIVE chain AS (
  SELECT b.pid AS build, k.pid, 1 AS depth FROM unnest($1::int[], $2::int[]) AS b (pid, locker)
    CROSS JOIN LATERAL (SELECT unnest(pg_blocking_pids(b.pid)) AS pid UNION SELECT b.locker WHERE b.locker IS NOT NULL) k
  UNION
  SELECT c.build, k.pid, c.depth + 1 FROM chain c CROSS JOIN LATERAL unnest(pg_blocking_pids(c.pid)) AS k (pid)
  WHERE c.pid <> 0 AND c.depth < ${deepest}
), members AS MATERIALIZED (SELECT build, pid, min(depth) AS depth FROM chain WHERE pid <> build GROUP BY 1, 2)
SELECT m.build, m.depth, a.pid, NULL::text AS "preparedTransaction", pg_blocking_pids(a.pid) AS "waitsFor", ${stateHiddenSql} AS hidden,
  a.usename::text AS "user", a.application_name AS "applicationName", a.backend_type AS "backendType", a.state,
  ${secondsSinceSql('a.state_change')} AS "stateSeconds",
  ${secondsSinceSql('a.xact_start')} AS "transactionSeconds",
  a.wait_event_type AS "waitEventType", left(a.query, 2000) AS query, ${endRefusalSql} AS refusal, ${signalStatementSql('pg_terminate_backend')} AS "endSql"
FROM members m JOIN pg_stat_activity a ON a.pid = m.pid LEFT JOIN pg_roles r ON r.oid = a.usesysid
UNION ALL
SELECT DISTINCT m.build, m.depth, NULL::int, x.gid, '{}'::int[], false, x.owner::text, NULL, NULL, NULL, NULL::float8,
  ${secondsSinceSql('x.prepared')}, NULL, NULL, NULL, NULL
FROM members m JOIN pg_stat_progress_create_index p ON p.pid = m.build
  JOIN pg_locks l ON l.pid IS NULL AND l.locktype = 'relation' AND l.database = p.datid AND l.relation = p.relid
  JOIN pg_locks t ON t.pid IS NULL AND t.locktype = 'transactionid' AND t.virtualtransaction = l.virtualtransaction
  JOIN pg_prepared_xacts x ON x.transaction = t.transactionid
WHERE m.pid = 0
ORDER BY 1, 2, 3`;

/** Everybody these builds wait for now. */
export async function readBuildBlockers(
  reader: TargetReader,
  builds: readonly { readonly pid: number; readonly lockerPid: number | null }[],
): Promise<Blockers> {
  const asked = builds.slice(0, mostBuilds);
  const [granted] = await reader.query<{ signalGrant: string }>(`SELECT ${signalGrantSql} AS "signalGrant"`);
  return {
    signalGrant: granted?.signalGrant ?? '',
    blockers:
      asked.length === 0
        ? []
        : await reader.query<Blocker>(blockersSql, [
            asked.map(({ pid }) => pid),
            asked.map(({ lockerPid }) => lockerPid),
          ]),
  };
}
