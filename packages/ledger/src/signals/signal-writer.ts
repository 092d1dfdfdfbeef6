import type { SignalWriter } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';
import { selectSignal, upsertSignal } from './signal-rows.ts';

/** Writes signals in a transaction. */
export function createSignalWriter(sql: LedgerSql): SignalWriter {
  return {
    async getForUpdate(module) {
      // There may be no row to lock yet: two first signals at once must not both be the first.
      await sql`SELECT pg_advisory_xact_lock(hashtext('slacktide.signal'), hashtext(${module}))`;
      return selectSignal(sql, module);
    },

    put: (signal) => upsertSignal(sql, signal),
  };
}
