import type pg from 'pg';
import { expect, vi } from 'vitest';

/**
 * Vacuums a table (as SQL writes it) until its deleted rows are gone. Once is not always enough: whoever is logging in
 * anywhere on the server keeps, until the password is checked, the rows that were deleted meanwhile in all databases.
 */
export async function vacuumAway(client: pg.Client | pg.Pool, table: string): Promise<void> {
  await vi.waitFor(
    async () => {
      await client.query(`VACUUM (INDEX_CLEANUP ON) ${table}`);
      const { rows } = await client.query(
        'SELECT relpages - relallvisible AS left_pages FROM pg_class WHERE oid = $1::regclass',
        [table],
      );
      expect(rows).toEqual([{ left_pages: 0 }]);
    },
    { timeout: 20_000 },
  );
}
