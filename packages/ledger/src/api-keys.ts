import { AppError } from '@slacktide/application';
import type { ApiKey, ApiKeys } from '@slacktide/application/ports';
import { violatedConstraint } from './ledger-errors.ts';
import { jsonb, type LedgerPool } from './sql.ts';

/** API keys, of which only hashes are kept. */
export function createApiKeys(sql: LedgerPool): ApiKeys {
  return {
    async find(id) {
      const [key] = await sql<ApiKey[]>`
        SELECT id, name, secret_hash, scopes, expires_at, revoked_at FROM api_keys WHERE id = ${id}`;
      return key && { ...key };
    },

    /** @throws AppError `conflict` when the id is taken. */
    async insert({ id, name, secretHash, scopes, expiresAt, revokedAt }) {
      try {
        await sql`
          INSERT INTO api_keys (id, name, secret_hash, scopes, expires_at, revoked_at)
          VALUES (${id}, ${name}, ${secretHash}, ${jsonb(sql, scopes)}, ${expiresAt}, ${revokedAt})`;
      } catch (error) {
        if (violatedConstraint(error) !== 'api_keys_pkey') throw error;
        throw new AppError('conflict', `there is an API key ${id} already`, { cause: error });
      }
    },

    async touch(id) {
      await sql`
        UPDATE api_keys SET last_used_at = now()
        WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at <= now() - interval '1 minute')`;
    },
  };
}
