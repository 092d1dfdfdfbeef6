import type { Finding } from '@slacktide/application/ports';
import { type FindingState, findingState } from '@slacktide/domain';
import type { Fragment } from 'postgres';
import type { findings } from '../schema/findings.ts';
import type { LedgerSql } from '../sql.ts';

/** A row of `findings` as `findingColumns` selects it. */
export type FindingRow = typeof findings.$inferSelect & { readonly isMuted: boolean };

/** A mute is in force: in a statement on `findings`. */
const isMuted = (sql: LedgerSql): Fragment =>
  sql`(findings.muted_at IS NOT NULL AND (findings.mute_until IS NULL OR findings.mute_until > now()))`;

export const findingColumns = (sql: LedgerSql): Fragment => sql`findings.*, ${isMuted(sql)} AS is_muted`;

/** Condition on `findings`: they are in that state, as `findingState` has it. */
export function isInState(sql: LedgerSql, state: FindingState): Fragment {
  if (state === 'resolved') return sql`resolved_at IS NOT NULL`;
  return state === 'muted'
    ? sql`resolved_at IS NULL AND ${isMuted(sql)}`
    : sql`resolved_at IS NULL AND NOT ${isMuted(sql)}`;
}

export function toFinding(row: FindingRow): Finding {
  const { checkName: check, muteReason: reason, muteUntil: until, mutedBy: by, mutedAt: at, isMuted, ...finding } = row;
  const isResolved = finding.resolvedAt !== null;
  return {
    ...finding,
    check,
    state: findingState({ isResolved, isMuted }),
    mute: reason === null || by === null || at === null ? null : { reason, until, by, at },
  };
}
