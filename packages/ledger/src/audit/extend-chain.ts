import { failpoint } from '@slacktide/application';
import type { AuditChain, AuditSeal } from '@slacktide/application/ports';
import { jsonb, type LedgerPool, type LedgerSql } from '../sql.ts';
import { type AuditRow, toAuditEvent } from './audit-row.ts';
import { isUnsealed } from './is-unsealed.ts';
import { readHeads } from './read-heads.ts';
import { type Sealing, settle } from './settle.ts';

type Seal = Parameters<AuditChain['extend']>[1];

/**
 * Seals what can be seen of the log, by id, after `settled_id`. Ids are given out before a transaction commits, so one may
 * come to light below others that are sealed: it is found by having no seal, and `settle` raises the mark only over ids under
 * which nothing can come any more. The one row of audit_sealing is the lock: who does not get it leaves the work to who has it.
 */
export async function extendChain(pool: LedgerPool, limit: number, seal: Seal): Promise<number | undefined> {
  return pool.begin(async (tx) => {
    const [sealing] = await tx<(Sealing & { now: Date })[]>`
      SELECT settled_id, asked_id, writers, date_trunc('milliseconds', clock_timestamp()) AS now
      FROM audit_sealing FOR UPDATE SKIP LOCKED`;
    if (sealing === undefined) return undefined;
    const settledId = tx`${sealing.settledId}::bigint`;
    const rows = await tx<AuditRow[]>`
      SELECT * FROM audit_events AS event WHERE id > ${settledId} AND ${isUnsealed(tx, settledId)} ORDER BY id LIMIT ${limit}`;
    if (rows.length > 0) {
      const heads = await readHeads(tx);
      await insertSeals(tx, seal({ heads, events: rows.map(toAuditEvent), now: sealing.now }));
    }
    await settle(tx, sealing);
    await failpoint('seal.before_commit');
    return rows.length;
  });
}

async function insertSeals(tx: LedgerSql, seals: readonly AuditSeal[]): Promise<void> {
  await tx`
    INSERT INTO audit_seals (stream, seq, event_id, hash, sealed_at)
    SELECT stream, seq, "eventId", hash, "sealedAt" FROM jsonb_to_recordset(${jsonb(tx, seals)})
      AS seal (stream text, seq bigint, "eventId" bigint, hash text, "sealedAt" timestamptz)`;
}
