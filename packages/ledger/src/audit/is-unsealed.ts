import type { Fragment } from 'postgres';
import type { LedgerSql } from '../sql.ts';

/**
 * No seal covers the row `event` of audit_events. `afterId` is what the query has the event's id come after: told of the seals as well, for the planner
 * does not conclude it, and may read every seal there is to find out about a few events.
 */
export function isUnsealed(sql: LedgerSql, afterId: Fragment): Fragment {
  return sql`NOT EXISTS (SELECT FROM audit_seals WHERE event_id = event.id AND event_id > ${afterId})`;
}
