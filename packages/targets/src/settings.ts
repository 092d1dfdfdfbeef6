import type { Timings } from './timings.ts';

export type Settings = Readonly<Record<string, string>>;

/** Upper bound of any one read. */
export const readStatementTimeoutMs = 30_000;
const readLockTimeoutMs = 1_000;
/** For the acting session, until an executor sets what its statement needs. */
const actLockTimeoutMs = 3_000;
/** PostgreSQL keeps timeouts in an int4. */
const longestTimeoutMs = 2_147_483_647;

/** Names resolve to pg_catalog alone, and what the server prints can be read. */
const readable: Settings = {
  search_path: '',
  TimeZone: 'UTC',
  DateStyle: 'ISO',
};

/** Together they end a session within seconds of its client's death, stop or loss; leaving any one out broke the bound. */
function endsWithClient(timings: Timings): Settings {
  return {
    client_connection_check_interval: '1s',
    tcp_keepalives_idle: '3',
    tcp_keepalives_interval: '1',
    tcp_keepalives_count: '3',
    tcp_user_timeout: '6s',
    idle_session_timeout: `${timings.idleSessionTimeoutMs}ms`,
    idle_in_transaction_session_timeout: `${timings.idleSessionTimeoutMs}ms`,
  };
}

/** The acting session. */
export function actSettings(statementTimeoutMs: number, timings: Timings): Settings {
  return {
    ...readable,
    ...endsWithClient(timings),
    statement_timeout: `${Math.min(statementTimeoutMs, longestTimeoutMs)}ms`,
    lock_timeout: `${actLockTimeoutMs}ms`,
    // Little output: a session blocked in ClientWrite can be neither timed out nor cancelled. INFO passes all the same.
    client_min_messages: 'warning',
    // A commit that waits for a synchronous standby does not notice that its client is gone.
    synchronous_commit: 'local',
  };
}

/** Sessions that only look. */
export function readSettings(timings: Timings): Settings {
  return {
    ...readable,
    ...endsWithClient(timings),
    default_transaction_read_only: 'on',
    statement_timeout: `${readStatementTimeoutMs}ms`,
    lock_timeout: `${readLockTimeoutMs}ms`,
    client_min_messages: 'warning',
  };
}

/** The startup parameter `options`: the server splits it at spaces and takes a backslash for an escape. */
export function startupOptions(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, '\\$&')}`)
    .join(' ');
}
