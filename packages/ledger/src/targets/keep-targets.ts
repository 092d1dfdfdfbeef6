import { AppError } from '@slacktide/application';
import type { LedgerSql } from '../sql.ts';

/**
 * Keeps targets from being deleted until the transaction ends.
 * @throws AppError `conflict` when one is gone already.
 */
export async function keepTargets(sql: LedgerSql, ids: readonly string[]): Promise<void> {
  const kept = await sql<{ id: string }[]>`
    SELECT id FROM targets WHERE id = ANY(${[...ids]}) ORDER BY id FOR KEY SHARE`;
  const missing = ids.find((id) => !kept.some((target) => target.id === id));
  if (missing !== undefined) throw new AppError('conflict', `there is no target ${missing}`);
}
