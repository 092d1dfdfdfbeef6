import type { EffectFilter, EffectReader, Page, PastEffect } from '@slacktide/application/ports';
import type { PendingQuery } from 'postgres';
import { decodeCursor } from '../cursor.ts';
import { pageOf, rowsToRead } from '../page-of.ts';
import type { LedgerSql } from '../sql.ts';
import { whereAll } from '../where-all.ts';
import { selectAftermaths } from './select-aftermaths.ts';
import { selectOfObjects } from './select-effects.ts';

/** Reads what act work did, and how it lasted. */
export function createEffectReader(sql: LedgerSql): EffectReader {
  return {
    async list(page, filter = {}) {
      const rows = await selectPage(sql, page, filter);
      return pageOf(rows, page, ({ at, id }) => ({ at, id: String(id) }));
    },

    ofObjects: (objects, each) => selectOfObjects(sql, objects, each),
    aftermaths: (effects) => selectAftermaths(sql, effects),
  };
}

function selectPage(sql: LedgerSql, page: Page, filter: EffectFilter): PendingQuery<PastEffect[]> {
  const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor, isEffectId);
  const { targetId, object, action } = filter;
  return sql<PastEffect[]>`
    SELECT * FROM effects
    ${whereAll(sql, [
      after && sql`id < ${Number(after.id)}::int8`,
      targetId === undefined ? undefined : sql`target_id = ${targetId}`,
      object === undefined ? undefined : sql`object = ${object}`,
      action && sql`action = ${action}`,
    ])}
    ORDER BY id DESC LIMIT ${rowsToRead(sql, page)}`;
}

function isEffectId(id: string): boolean {
  return /^[1-9]\d{0,14}$/.test(id);
}
