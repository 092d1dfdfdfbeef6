import { type AuditHead, auditStreams } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';

/** The end of every stream's chain, in the order of `auditStreams`. */
export async function readHeads(sql: LedgerSql): Promise<readonly AuditHead[]> {
  return sql<AuditHead[]>`
    SELECT streams.stream, coalesce(seq, 0) AS seq, coalesce(hash, repeat('0', 64)) AS hash, sealed_at
    FROM unnest(${[...auditStreams]}::text[]) WITH ORDINALITY AS streams (stream, position)
    LEFT JOIN LATERAL (
      SELECT seq, hash, sealed_at FROM audit_seals WHERE audit_seals.stream = streams.stream ORDER BY seq DESC LIMIT 1
    ) AS head ON true
    ORDER BY position`;
}
