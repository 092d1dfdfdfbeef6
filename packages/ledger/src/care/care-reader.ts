import type { CareReader, CareSettings } from '@slacktide/application/ports';
import type { CareLayer, CareOrigin } from '@slacktide/domain';
import type { LedgerSql } from '../sql.ts';

/** Reads what was said about care. */
export function createCareReader(sql: LedgerSql): CareReader {
  return {
    get: (origin, targetId) => selectCare(sql, origin, targetId),
    layers: (targetId) => selectLayers(sql, targetId),
  };
}

/** One layer; of version 0 where nothing was said yet. */
export async function selectCare(sql: LedgerSql, origin: CareOrigin, targetId: string | null): Promise<CareSettings> {
  const [row] = await sql<Pick<CareSettings, 'settings' | 'version' | 'updatedAt'>[]>`
    SELECT settings, version, updated_at FROM care_settings WHERE origin = ${origin} AND target_id = ${targetId ?? ''}`;
  return { origin, targetId, ...(row ?? { settings: {}, version: 0, updatedAt: null }) };
}

/** Those that were said, weakest first. */
export async function selectLayers(sql: LedgerSql, targetId: string | null): Promise<readonly CareLayer[]> {
  return await sql<CareLayer[]>`
    SELECT origin, settings FROM care_settings WHERE target_id IN ('', ${targetId ?? ''})
    ORDER BY array_position(ARRAY['file', 'fleet', 'target'], origin)`;
}
