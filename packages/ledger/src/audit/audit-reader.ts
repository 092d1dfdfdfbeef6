import type { AuditReader } from '@slacktide/application/ports';
import { decodeCursor } from '../cursor.ts';
import { pageOf, rowsToRead } from '../page-of.ts';
import type { LedgerSql } from '../sql.ts';
import { whereAll } from '../where-all.ts';
import { type AuditRow, toAuditEvent } from './audit-row.ts';

/** Reads the audit log, newest first. */
export function createAuditReader(sql: LedgerSql): AuditReader {
  return {
    async list(page, filter = {}) {
      const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor, isAuditId);
      const { entity, entityId, action, actor, from, to } = filter;
      const rows = await sql<AuditRow[]>`
        SELECT * FROM audit_events
        ${whereAll(sql, [
          after && sql`(at, id) < (${after.at}, ${after.id})`,
          entity === undefined ? undefined : sql`entity = ${entity}`,
          entityId === undefined ? undefined : sql`entity_id = ${entityId}`,
          action === undefined ? undefined : sql`action = ${action}`,
          actor === undefined ? undefined : sql`actor = ${actor}`,
          from && sql`at >= ${from}`,
          to && sql`at < ${to}`,
        ])}
        ORDER BY at DESC, id DESC LIMIT ${rowsToRead(sql, page)}`;
      return pageOf(rows.map(toAuditEvent), page, ({ at, id }) => ({ at, id }));
    },
  };
}

function isAuditId(id: string): boolean {
  return /^[0-9]{1,18}$/.test(id);
}
