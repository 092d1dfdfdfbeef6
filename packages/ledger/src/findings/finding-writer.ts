import type { FindingWriter } from '@slacktide/application/ports';
import { isTimeOrderedId } from '@slacktide/domain';
import type { LedgerSql } from '../sql.ts';
import { type FindingRow, findingColumns, toFinding } from './finding-row.ts';

/** Mutes findings in a transaction; all else about them is written by the reports of checks. */
export function createFindingWriter(sql: LedgerSql): FindingWriter {
  return {
    async getForUpdate(id) {
      if (!isTimeOrderedId(id)) return undefined;
      const [row] = await sql<FindingRow[]>`SELECT ${findingColumns(sql)} FROM findings WHERE id = ${id} FOR UPDATE`;
      return row && toFinding(row);
    },

    async setMute(id, mute) {
      await sql`
        UPDATE findings SET mute_reason = ${mute?.reason ?? null}, mute_until = ${mute?.until ?? null},
          muted_by = ${mute?.by ?? null}, muted_at = ${mute?.at ?? null}
        WHERE id = ${id}`;
    },
  };
}
