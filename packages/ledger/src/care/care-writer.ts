import type { CareWriter } from '@slacktide/application/ports';
import { jsonb, type LedgerSql } from '../sql.ts';
import { keepTargets } from '../targets/keep-targets.ts';
import { selectCare } from './care-reader.ts';

/** Writes what is said about care in a transaction. */
export function createCareWriter(sql: LedgerSql): CareWriter {
  return {
    async getForUpdate(origin, targetId) {
      // There may be no row to lock yet: two first changes at once must not both be the first.
      await sql`SELECT pg_advisory_xact_lock(hashtext('slacktide.care'), hashtext(${`${origin} ${targetId ?? ''}`}))`;
      return await selectCare(sql, origin, targetId);
    },

    async put({ origin, targetId, settings, version }) {
      if (targetId !== null) await keepTargets(sql, [targetId]);
      await sql`
        INSERT INTO care_settings (origin, target_id, settings, version, updated_at)
        VALUES (${origin}, ${targetId ?? ''}, ${jsonb(sql, settings)}, ${version}, now())
        ON CONFLICT (origin, target_id) DO UPDATE
          SET settings = excluded.settings, version = excluded.version, updated_at = excluded.updated_at`;
    },
  };
}
