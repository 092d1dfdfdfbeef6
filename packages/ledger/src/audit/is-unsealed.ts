import type { Fragment } from 'postgres';
import type { LedgerSql } from '../sql.ts';

/** No seal covers the row `event` of audit_events. */
export function isUnsealed(sql: LedgerSql): Fragment {
  return sql`NOT EXISTS (SELECT FROM audit_seals WHERE event_id = event.id)`;
}
