import type { FactsResult, LookContext, TargetReader } from '@slacktide/application/ports';
import { checks } from '@slacktide/checks';
import type { CheckName, CheckReport, JsonObject } from '@slacktide/domain';
import { lookWith } from '../run-check.ts';
import { type PreparedTransaction, readPrepared } from './prepared.ts';
import type { SessionCleanupConfig } from './schema.ts';
import { readSessions, type SessionState } from './session-state.ts';

export interface SessionCleanupFacts {
  /** What the checks found; null = not asked for. */
  readonly locks: CheckReport | null;
  readonly operations: CheckReport | null;
  /** Those they found, looked at once more. */
  readonly sessions: readonly SessionState[];
  /** Those that are to be rolled back, as far as they exist. */
  readonly prepared: readonly PreparedTransaction[];
}

/** What dumps and backups call themselves; base backups of the server's own kind are walsenders, no clients. */
export const dumps = [
  'pg_dump',
  'pg_dumpall',
  'pg_restore',
  'pg_basebackup',
  'pgBackRest%',
  'barman%',
  'wal-g%',
  'pg_probackup%',
];
export const ourselves = 'slacktide/%';

/** Above any age: sessions are found by what they do, not by what VACUUM thinks of them. */
const neverByXmin = 2_147_483_647;

/** Has both checks look, and looks at every session they name again: all that the plan decides by is of this one moment. */
export async function readSessionCleanupFacts(
  reader: TargetReader,
  config: SessionCleanupConfig,
  context: LookContext,
): Promise<FactsResult<SessionCleanupFacts>> {
  const shared = {
    ignore_applications: [ourselves, ...dumps, ...config.allow_applications],
    ignore_roles: [...config.allow_roles],
  };
  const look = (check: CheckName, settings: JsonObject): Promise<CheckReport> =>
    lookAt(check, settings, reader, context);
  const locks = config.stale_locks
    ? await look('stale_advisory_lock', {
        ...shared,
        stale_after_seconds: config.stale_lock_seconds,
        ignore_keys: [...config.allow_keys],
      })
    : null;
  const operations =
    config.idle_in_transaction || config.long_statements
      ? await look('stale_operation', {
          ...shared,
          stale_after_seconds: config.long_statement_seconds,
          idle_in_transaction_seconds: config.idle_in_transaction_seconds,
          xmin_age_transactions: neverByXmin,
        })
      : null;
  const pids = [locks, operations].flatMap((report) =>
    (report?.findings ?? []).flatMap(({ evidence }) => (typeof evidence['pid'] === 'number' ? [evidence['pid']] : [])),
  );
  const sessions = await readSessions(reader, [...new Set(pids)]);
  const prepared = await readPrepared(reader, config.rollback_prepared);
  return { kind: 'facts', facts: { locks, operations, sessions, prepared } };
}

async function lookAt(
  name: CheckName,
  settings: JsonObject,
  observer: TargetReader,
  context: LookContext,
): Promise<CheckReport> {
  const check = checks.find(({ type }) => type.name === name);
  if (check === undefined) throw new Error(`expected a check ${name}`);
  const signal = new AbortController().signal;
  return await lookWith(check, { observer, ...context, signal }, check.type.config.parse(settings) as JsonObject);
}
