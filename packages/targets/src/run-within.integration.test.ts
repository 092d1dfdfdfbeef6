import { describe, expect, it } from 'vitest';
import { freshTarget } from '../../../test/support/target.ts';
import { createPostgresGateway } from './postgres-gateway.ts';

describe.each([14, 18] as const)('a read within bounds of its own on PostgreSQL %i', (major) => {
  it('has them while it lasts, and the session has its own again, whatever became of it', async () => {
    const { address, env } = await freshTarget(major);
    await createPostgresGateway({ env }).read(address, { applicationName: 'slacktide/test/1' }, async (reader) => {
      const within = reader.queryWithin;
      if (within === undefined) throw new Error('expected a session that can');
      const bounds = `SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock`;
      expect(await within({ statementTimeoutMs: 90_000, lockTimeoutMs: 200 }, bounds)).toEqual([
        { statement: '90s', lock: '200ms' },
      ]);
      expect(await within({ lockTimeoutMs: 300 }, `${bounds} WHERE $1`, [true])).toEqual([
        { statement: '30s', lock: '300ms' },
      ]);
      const late = within({ statementTimeoutMs: 50 }, 'SELECT pg_sleep(20)');
      await expect(late).rejects.toMatchObject({ code: 'statement_timeout' });
      expect(await reader.query(bounds)).toEqual([{ statement: '30s', lock: '1s' }]);
    });
  });
});
