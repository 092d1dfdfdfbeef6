import type { CheckRun, FindingFilter, FindingReader, Page } from '@slacktide/application/ports';
import { isTimeOrderedId } from '@slacktide/domain';
import type { PendingQuery } from 'postgres';
import { decodeCursor } from '../cursor.ts';
import { pageOf, rowsToRead } from '../page-of.ts';
import type { LedgerSql } from '../sql.ts';
import { whereAll } from '../where-all.ts';
import { type FindingRow, findingColumns, isInState, toFinding } from './finding-row.ts';

/** Reads findings and the latest runs of checks. */
export function createFindingReader(sql: LedgerSql): FindingReader {
  return {
    async get(id) {
      if (!isTimeOrderedId(id)) return undefined;
      const [row] = await sql<FindingRow[]>`SELECT ${findingColumns(sql)} FROM findings WHERE id = ${id}`;
      return row && toFinding(row);
    },

    async list(page, filter = {}) {
      const rows = await selectPage(sql, page, filter);
      return pageOf(rows.map(toFinding), page, ({ firstSeenAt, id }) => ({ at: firstSeenAt, id }));
    },

    async countOpen(targetId, severity) {
      const [row] = await sql<[{ count: number }]>`
        SELECT count(*)::int FROM findings WHERE target_id = ${targetId} AND severity = ${severity} AND ${isInState(sql, 'open')}`;
      return row.count;
    },

    async latestRuns(targetId) {
      return await sql<CheckRun[]>`
        SELECT target_id, check_name AS check, task_id, at, checked, skipped, unknown, found, figures, config
        FROM check_runs WHERE target_id = ${targetId} ORDER BY check_name`;
    },
  };
}

function selectPage(sql: LedgerSql, page: Page, filter: FindingFilter): PendingQuery<FindingRow[]> {
  const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor, isTimeOrderedId);
  const { targetId, check, severity, state } = filter;
  return sql<FindingRow[]>`
    SELECT ${findingColumns(sql)} FROM findings
    ${whereAll(sql, [
      after && sql`(first_seen_at, id) < (${after.at}, ${after.id})`,
      targetId === undefined ? undefined : sql`target_id = ${targetId}`,
      check && sql`check_name = ${check}`,
      severity && sql`severity = ${severity}`,
      state && isInState(sql, state),
    ])}
    ORDER BY first_seen_at DESC, id DESC LIMIT ${rowsToRead(sql, page)}`;
}
