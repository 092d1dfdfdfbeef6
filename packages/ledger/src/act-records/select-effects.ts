import type { EffectReader, LastedEffect, PastEffect, TargetMemory } from '@slacktide/application/ports';
import { jsonb, type LedgerSql } from '../sql.ts';
import { selectAftermaths } from './select-aftermaths.ts';

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

/** The newest effects on each of these objects, `each` of one at most, newest first. */
export async function selectOfObjects(
  sql: LedgerSql,
  objects: Parameters<EffectReader['ofObjects']>[0],
  each: number,
): Promise<readonly PastEffect[]> {
  if (objects.length === 0) return [];
  return await sql<PastEffect[]>`
    SELECT effects.* FROM jsonb_to_recordset(${jsonb(sql, objects)}) AS asked ("targetId" text, object text)
    CROSS JOIN LATERAL (
      SELECT * FROM effects WHERE effects.target_id = "targetId" AND effects.object = asked.object ORDER BY id DESC LIMIT ${each}
    ) AS effects ORDER BY id DESC`;
}

/** The same with what came of them. */
export async function selectLasted(
  sql: LedgerSql,
  targetId: string,
  objects: readonly string[],
  each: number,
): Promise<readonly LastedEffect[]> {
  const asked = objects.map((object) => ({ targetId, object }));
  const effects = await selectOfObjects(sql, asked, each);
  const aftermaths = await selectAftermaths(sql, effects);
  return effects.flatMap((effect) => {
    const aftermath = aftermaths.get(effect.id);
    return aftermath === undefined ? [] : [{ effect, aftermath }];
  });
}
