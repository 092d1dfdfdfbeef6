import type { TargetReaderStore } from '@slacktide/application/ports';
import { isIdentifier } from '@slacktide/domain';
import { decodeCursor } from '../cursor.ts';
import { pageOf, rowsToRead } from '../page-of.ts';
import { jsonb, type LedgerSql } from '../sql.ts';
import { whereAll } from '../where-all.ts';
import { type TargetRow, toTarget } from './target-row.ts';

/** Reads targets. */
export function createTargetReader(sql: LedgerSql): TargetReaderStore {
  return {
    async get(id) {
      const [row] = await sql<TargetRow[]>`SELECT * FROM targets WHERE id = ${id}`;
      return row && toTarget(row);
    },

    async list(page, filter = {}) {
      const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor, isIdentifier);
      const rows = await sql<TargetRow[]>`
        SELECT * FROM targets
        ${whereAll(sql, [
          after && sql`(created_at, id) < (${after.at}, ${after.id})`,
          filter.labels && sql`labels @> ${jsonb(sql, filter.labels)}`,
        ])}
        ORDER BY created_at DESC, id DESC LIMIT ${rowsToRead(sql, page)}`;
      return pageOf(rows.map(toTarget), page, ({ createdAt, id }) => ({ at: createdAt, id }));
    },

    async findByLabels(labels) {
      const rows = await sql<TargetRow[]>`SELECT * FROM targets WHERE labels @> ${jsonb(sql, labels)} ORDER BY id`;
      return rows.map(toTarget);
    },

    async findByIds(ids) {
      const rows = await sql<TargetRow[]>`SELECT * FROM targets WHERE id = ANY(${[...ids]}) ORDER BY id`;
      return rows.map(toTarget);
    },
  };
}
