import type { Learning, LearningKind, LearningReader } from '@slacktide/application/ports';
import { decodeCursor } from '../cursor.ts';
import { pageOf, rowsToRead } from '../page-of.ts';
import type { LedgerSql } from '../sql.ts';
import { whereAll } from '../where-all.ts';

/** What was learned of targets. */
export function createLearningReader(sql: LedgerSql): LearningReader {
  return {
    async list(page, { targetId, kind }) {
      const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor, (id) => /^\d{1,18}$/.test(id));
      const rows = await sql<Learning[]>`
        SELECT id::text, target_id, kind, key, value, first_learned_at, learned_at FROM learnings
        ${whereAll(sql, [
          after && sql`(learned_at, id) < (${after.at}, ${after.id}::bigint)`,
          targetId === undefined ? undefined : sql`target_id = ${targetId}`,
          kind && sql`kind = ${kind}`,
        ])}
        ORDER BY learned_at DESC, id DESC LIMIT ${rowsToRead(sql, page)}`;
      return pageOf(rows, page, ({ learnedAt, id }) => ({ at: learnedAt, id }));
    },
  };
}

/** Everything of one kind that is known of a target, by key. */
export async function selectLearnings(
  sql: LedgerSql,
  targetId: string,
  kind: LearningKind,
): Promise<readonly Learning[]> {
  return await sql<Learning[]>`
    SELECT id::text, target_id, kind, key, value, first_learned_at, learned_at FROM learnings
    WHERE target_id = ${targetId} AND kind = ${kind} ORDER BY key`;
}
