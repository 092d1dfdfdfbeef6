import type { TargetReader } from '@slacktide/application/ports';
import { readXminHolders, type XminHolder } from '@slacktide/targets';
import {
  type EndRefusal,
  endRefusalSql,
  readStatsGrantSql,
  secondsSinceSql,
  signalGrantSql,
  signalStatementSql,
  stateHiddenSql,
} from '../catalogue/sessions.ts';

/** A session of this database, as far as our role may see it. */
export interface OperationSession {
  readonly pid: number;
  /** What follows `user`, `applicationName` and `user` is null where our role may not see it. */
  readonly hidden: boolean;
  readonly user: string | null;
  readonly applicationName: string | null;
  readonly backendStart: string | null;
  readonly clientAddress: string | null;
  readonly backendType: string | null;
  readonly state: string | null;
  readonly waitEventType: string | null;
  readonly waitEvent: string | null;
  readonly stateSeconds: number | null;
  readonly statementSeconds: number | null;
  /** Null = it is in no transaction. */
  readonly transactionSeconds: number | null;
  /** With literals. */
  readonly query: string | null;
  /** `VACUUM`, `CREATE INDEX CONCURRENTLY` …: work that tells its progress. */
  readonly maintenance: string | null;
  /** How many sessions wait for it, and for whom it waits. */
  readonly blocks: number;
  readonly blockedBy: readonly number[];
  readonly refusal: EndRefusal | null;
  readonly cancelSql: string;
  readonly terminateSql: string;
}

/** A transaction of this database that was prepared for a two-phase commit. */
export interface PreparedTransaction {
  readonly gid: string;
  readonly owner: string;
  readonly preparedAt: string;
  readonly seconds: number;
  readonly blocks: number;
  /** Would end it; quoted. */
  readonly statement: string;
}

export interface OperationFacts {
  readonly sessions: readonly OperationSession[];
  readonly prepared: readonly PreparedTransaction[];
  /** Whoever holds dead rows back, the oldest first. */
  readonly holders: readonly XminHolder[];
  /** Statements that would drop the slots that hold something back, by name; quoted. */
  readonly slotStatements: ReadonlyMap<string, string>;
  readonly readStatsGrant: string;
  readonly signalGrant: string;
}

/** Asking who blocks a session briefly stops the lock manager, so that no more than these are asked. */
const mostWaiters = 200;

const waitsSql = `locks AS MATERIALIZED (SELECT * FROM pg_locks),
waits AS MATERIALIZED (
  SELECT pid, pg_blocking_pids(pid) AS blockers
  FROM (SELECT pid FROM locks WHERE NOT granted GROUP BY pid ORDER BY min(waitstart) LIMIT ${mostWaiters}) w)`;

const sessionsSql = `
WITH ${waitsSql},
blocking AS MATERIALIZED (SELECT blocker AS pid, count(DISTINCT waits.pid)::int AS blocks FROM waits, unnest(blockers) AS blocker GROUP BY 1),
maintenance AS MATERIALIZED (
  SELECT pid, 'VACUUM' AS command FROM pg_stat_progress_vacuum
  UNION ALL SELECT pid, 'ANALYZE' FROM pg_stat_progress_analyze
  UNION ALL SELECT pid, coalesce(command, 'CREATE INDEX') FROM pg_stat_progress_create_index
  UNION ALL SELECT pid, coalesce(command, 'CLUSTER') FROM pg_stat_progress_cluster)
SELECT a.pid, ${stateHiddenSql} AS hidden, a.usename::text AS "user", a.application_name AS "applicationName",
  a.backend_start::text AS "backendStart", host(a.client_addr) AS "clientAddress", a.backend_type AS "backendType", a.state,
  a.wait_event_type AS "waitEventType", a.wait_event AS "waitEvent", ${secondsSinceSql('a.state_change')} AS "stateSeconds",
  ${secondsSinceSql('a.query_start')} AS "statementSeconds", ${secondsSinceSql('a.xact_start')} AS "transactionSeconds",
  left(a.query, 2000) AS query, (SELECT min(command) FROM maintenance m WHERE m.pid = a.pid) AS maintenance,
  coalesce(b.blocks, 0) AS blocks, coalesce(w.blockers, '{}') AS "blockedBy", ${endRefusalSql} AS refusal,
  ${signalStatementSql('pg_cancel_backend')} AS "cancelSql", ${signalStatementSql('pg_terminate_backend')} AS "terminateSql"
FROM pg_stat_activity a
  LEFT JOIN pg_roles r ON r.oid = a.usesysid
  LEFT JOIN blocking b ON b.pid = a.pid
  LEFT JOIN waits w ON w.pid = a.pid
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
ORDER BY a.pid`;

/** Who waits behind a prepared transaction is blocked by pid 0: the lock it waits for tells by which. */
const preparedSql = `
WITH ${waitsSql}
SELECT x.gid, x.owner::text, x.prepared::text AS "preparedAt", ${secondsSinceSql('x.prepared')} AS seconds,
  format('ROLLBACK PREPARED %L', x.gid) AS statement,
  (SELECT count(DISTINCT q.pid)::int FROM locks t
     JOIN locks g ON g.virtualtransaction = t.virtualtransaction AND g.pid IS NULL AND g.granted
     JOIN locks q ON NOT q.granted AND (q.locktype, q.database, q.relation, q.page, q.tuple, q.transactionid, q.classid, q.objid, q.objsubid)
       IS NOT DISTINCT FROM (g.locktype, g.database, g.relation, g.page, g.tuple, g.transactionid, g.classid, g.objid, g.objsubid)
     JOIN waits w ON w.pid = q.pid AND 0 = ANY (w.blockers)
   WHERE t.locktype = 'transactionid' AND t.pid IS NULL AND t.granted AND t.transactionid = x.transaction) AS blocks
FROM pg_prepared_xacts x WHERE x.database = current_database() ORDER BY x.gid`;

const slotsSql = `
SELECT slot_name::text AS name, format('SELECT pg_catalog.pg_drop_replication_slot(%L)', slot_name) AS statement
FROM pg_replication_slots WHERE NOT active AND (xmin IS NOT NULL OR catalog_xmin IS NOT NULL)`;

export async function readOperations(reader: TargetReader): Promise<OperationFacts> {
  const sessions = await reader.query<OperationSession>(sessionsSql);
  const prepared = await reader.query<PreparedTransaction>(preparedSql);
  const holders = await readXminHolders(reader);
  const slots = await reader.query<{ name: string; statement: string }>(slotsSql);
  const [grants] = await reader.query<Pick<OperationFacts, 'readStatsGrant' | 'signalGrant'>>(
    `SELECT ${readStatsGrantSql} AS "readStatsGrant", ${signalGrantSql} AS "signalGrant"`,
  );
  if (grants === undefined) throw new Error('a SELECT without FROM returned no row');
  const slotStatements = new Map(slots.map(({ name, statement }) => [name, statement]));
  return { sessions, prepared, holders, slotStatements, ...grants };
}
