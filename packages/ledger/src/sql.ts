import postgres from 'postgres';

/** Of the type json; postgres.js itself sends jsonb. */
const jsonOid = 114;

type Types = { int8: number };

/** The pool: every call may use another session. */
export type LedgerPool = postgres.Sql<Types>;

/** The pool or one transaction of it: what a store works on. */
export type LedgerSql = postgres.ISql<Types>;

/** A jsonb parameter; null stays SQL NULL. */
export function jsonb(sql: LedgerSql, value: unknown): postgres.Parameter | null {
  return value === null || value === undefined ? null : sql.json(value as postgres.JSONValue);
}

/** A json parameter, which keeps the order of keys; null stays SQL NULL. */
export function json(sql: LedgerSql, value: unknown): postgres.Parameter | null {
  return value === null || value === undefined ? null : (sql.typed(value, jsonOid) as postgres.Parameter);
}

export interface PoolOptions {
  readonly databaseUrl: string;
  /** As `pg_stat_activity` shows it, e.g. `slacktide-control-plane`. */
  readonly applicationName: string;
  readonly maxConnections: number;
  /** How long a statement waits for a lock. Default 5000: longer than any transaction here takes, shorter than a caller's patience. */
  readonly lockTimeoutMs?: number;
}

/**
 * Opens the pool, lazily: the first query connects. Every tagged template is a prepared statement, columns come back in
 * camelCase, bigint as number, instants as Date.
 */
export function openPool(options: PoolOptions): LedgerPool {
  const { databaseUrl, applicationName, maxConnections, lockTimeoutMs = 5_000 } = options;
  return postgres(databaseUrl, {
    max: maxConnections,
    connect_timeout: 5,
    // Seconds. Its own back-off grows to 20 s, for which callers would wait to learn that the ledger is away.
    backoff: () => 0.2 + Math.random() * 0.2,
    types: { int8: { to: 20, from: [20], parse: Number, serialize: String } },
    transform: { column: { from: postgres.toCamel, to: postgres.fromCamel } },
    onnotice: () => undefined,
    connection: {
      application_name: applicationName,
      TimeZone: 'UTC',
      // Planned once a session: over the partitions of all days, planning a statement takes several times as long as running it.
      plan_cache_mode: 'force_generic_plan',
      lock_timeout: lockTimeoutMs,
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 60_000,
    },
  });
}
