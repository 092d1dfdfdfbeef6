import type { TargetReader } from '@slacktide/application/ports';
import { secondsSinceSql } from '../catalogue/sessions.ts';
import type { Subscription } from './facts.ts';

/** Errors are counted since 15. */
const errorsSince = 150_000;

/** Only the worker that applies changes has no table of its own, and no leader. */
function subscriptionsSql(serverVersion: number): string {
  const errors =
    serverVersion >= errorsSince
      ? '(SELECT (e.apply_error_count + e.sync_error_count)::float8 FROM pg_stat_subscription_stats e WHERE e.subid = s.oid)'
      : 'NULL::float8';
  return `
SELECT s.subname::text AS name, s.subenabled AS enabled, s.subslotname::text AS "slotName", w.pid IS NOT NULL AS "workerRuns",
  ${secondsSinceSql('w.last_msg_receipt_time')} AS "silentSeconds", ${errors} AS errors,
  (SELECT count(*)::int FROM pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srsubstate <> 'r') AS "tablesNotReady"
FROM pg_subscription s
  LEFT JOIN LATERAL (
    SELECT a.pid, a.last_msg_receipt_time FROM pg_stat_subscription a
    WHERE a.subid = s.oid AND a.relid IS NULL AND a.pid IS NOT NULL AND to_jsonb(a) ->> 'leader_pid' IS NULL LIMIT 1) w ON true
WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY s.subname`;
}

/** Subscriptions of the session's own database. Anybody may see these, but for the connection. */
export function readSubscriptions(reader: TargetReader): Promise<Subscription[]> {
  return reader.query<Subscription>(subscriptionsSql(reader.serverVersion));
}
