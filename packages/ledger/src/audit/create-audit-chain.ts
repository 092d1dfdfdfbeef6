import type { AuditChain, AuditSeal, LeftOutEvent, SealedEvent } from '@slacktide/application/ports';
import type { auditSeals } from '../schema/audit-seals.ts';
import type { LedgerPool } from '../sql.ts';
import { type AuditRow, toAuditEvent } from './audit-row.ts';
import { extendChain } from './extend-chain.ts';
import { isUnsealed } from './is-unsealed.ts';
import { readHeads } from './read-heads.ts';

type SealRow = typeof auditSeals.$inferSelect;
type Unmatched = { readonly [Column in keyof AuditRow]: null };

/** The hash chains over the audit log. */
export function createAuditChain(sql: LedgerPool): AuditChain {
  return {
    extend: (limit, seal) => extendChain(sql, limit, seal),

    readHeads: () => readHeads(sql),

    async backlog() {
      const settledId = sql`(SELECT settled_id FROM audit_sealing)`;
      const [row] = await sql<[{ unsealed: number; oldestSeconds: number }]>`
        SELECT count(*) AS unsealed, coalesce(extract(epoch FROM now() - min(at)), 0)::float8 AS oldest_seconds
        FROM audit_events AS event WHERE id > ${settledId} AND ${isUnsealed(sql, settledId)}`;
      return { ...row };
    },

    async listSealed(stream, afterSeq, limit) {
      const rows = await sql<(SealRow & (AuditRow | Unmatched))[]>`
        SELECT seal.*, event.* FROM audit_seals AS seal LEFT JOIN audit_events AS event ON event.id = seal.event_id
        WHERE stream = ${stream} AND seq > ${afterSeq} ORDER BY seq LIMIT ${limit}`;
      return rows.map(
        (row): SealedEvent => ({ seal: toSeal(row), event: row.id === null ? undefined : toAuditEvent(row) }),
      );
    },

    async listLeftOut(afterId, limit) {
      const rows = await sql<{ id: number; entity: string }[]>`
        SELECT id, entity FROM audit_events AS event
        WHERE id > ${afterId}::bigint AND id <= (SELECT settled_id FROM audit_sealing)
          AND ${isUnsealed(sql, sql`${afterId}::bigint`)}
        ORDER BY id LIMIT ${limit}`;
      return rows.map(({ id, entity }): LeftOutEvent => ({ id: String(id), entity }));
    },
  };
}

function toSeal({ stream, seq, eventId, hash, sealedAt }: SealRow): AuditSeal {
  return { stream, seq, eventId: String(eventId), hash, sealedAt };
}
