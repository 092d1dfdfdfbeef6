import type { AuditEntry } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';
import { type AuditAuthor, insertAudit } from './insert-audit.ts';

/** Writes audit entries in the caller's transaction (law 2). */
export async function writeAudit(sql: LedgerSql, author: AuditAuthor, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length > 0) await sql`${insertAudit(sql, author, entries)}`;
}
