import type { PastEffect, TargetMemory } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';

/** Effects on a target's objects, newest first. */
export async function selectEffects(
  sql: LedgerSql,
  targetId: string,
  { action, object, limit }: Parameters<TargetMemory['effects']>[0],
): Promise<readonly PastEffect[]> {
  return await sql<PastEffect[]>`
    SELECT * FROM effects WHERE target_id = ${targetId}
      ${action === undefined ? sql`` : sql`AND action = ${action}`} ${object === undefined ? sql`` : sql`AND object = ${object}`}
    ORDER BY id DESC LIMIT ${limit}`;
}
