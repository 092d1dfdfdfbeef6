import { type Intent, TargetError } from '@slacktide/application/ports';
import type pg from 'pg';

/** What a new session says of itself and its server. */
export interface SessionFacts {
  readonly identity: Intent;
  /** server_version_num. */
  readonly serverVersion: number;
  readonly inRecovery: boolean;
}

const oldestServerVersion = 140_000;

const factsSql = `
SELECT a.pid, a.backend_start::text AS "backendStart", current_setting('application_name') AS "applicationName",
  (SELECT system_identifier::text FROM pg_control_system()) AS "systemIdentifier",
  pg_postmaster_start_time()::text AS "postmasterStart",
  -- Not pg_control_checkpoint(): that names the old timeline until the first checkpoint after a promotion.
  CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END AS timeline,
  pg_is_in_recovery() AS "inRecovery", current_setting('server_version_num')::int AS "serverVersion",
  current_setting('client_connection_check_interval') AS "checkInterval", current_setting('search_path') AS "searchPath"
FROM pg_stat_activity a WHERE a.pid = pg_backend_pid()`;

interface FactsRow extends Omit<SessionFacts, 'identity'>, Omit<Intent, 'epoch'> {
  systemIdentifier: string;
  postmasterStart: string;
  timeline: string | null;
  checkInterval: string;
  searchPath: string;
}

/**
 * Looks at a session that was just opened, and refuses one that is not what it seems: through a pooler, without its
 * settings, on a server too old. `keyDataPid` is the pid the server gave at start-up.
 */
export async function readSessionFacts(client: pg.Client, keyDataPid: number | null): Promise<SessionFacts> {
  const { rows } = await client.query<FactsRow>(factsSql);
  const [row] = rows;
  if (row === undefined) throw new Error('expected the row of our own session in pg_stat_activity');
  // Equal on every direct connection; a pooler hands out a pid of its own, even when it has one client only.
  if (row.pid !== keyDataPid) throw pooled(`the session's process is ${row.pid}, not ${keyDataPid} as announced`);
  if (row.checkInterval !== '1s' || row.searchPath !== '') throw pooled("the session's settings did not arrive");
  if (row.serverVersion < oldestServerVersion) {
    throw new TargetError(
      'unsupported_version',
      `The server's version (${row.serverVersion}) is older than PostgreSQL 14.`,
    );
  }
  await client.query(row.serverVersion >= 150_000 ? plainMessagesSql : plainMessagesSqlUpTo14);
  const { systemIdentifier, postmasterStart, timeline, pid, backendStart, applicationName } = row;
  const { serverVersion, inRecovery } = row;
  return {
    identity: { pid, backendStart, applicationName, epoch: { systemIdentifier, postmasterStart, timeline } },
    serverVersion,
    inRecovery,
  };
}

/** English messages where the role may ask for them: a start-up setting it may not make would end the session. */
const plainMessagesSql = `SELECT set_config('lc_messages', 'C', false) WHERE has_parameter_privilege('lc_messages', 'SET')`;
const plainMessagesSqlUpTo14 = `SELECT set_config('lc_messages', 'C', false) WHERE current_setting('is_superuser')::boolean`;

function pooled(why: string): TargetError {
  return new TargetError(
    'pooled',
    `This is a connection pooler, behind which session settings and locks mean nothing (${why}); give the server's own address.`,
  );
}
