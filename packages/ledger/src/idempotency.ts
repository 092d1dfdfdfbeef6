import { AppError } from '@slacktide/application';
import type { IdempotencyClaim } from '@slacktide/application/ports';
import type { Json } from '@slacktide/domain';
import { json, type LedgerSql } from './sql.ts';

/** What claiming a key came to: the request is new, or it was served and this was its result. */
export type KeyClaim = { readonly kind: 'new' } | { readonly kind: 'repeat'; readonly result: Json };

/**
 * Claims the key for the caller's transaction. A claim of the same key in a transaction still open is waited for: when it
 * commits this is a repeat, when it rolls back this one is new.
 * @throws AppError `idempotency_key_reused` when the key stands for another request.
 */
export async function claimKey(sql: LedgerSql, claim: IdempotencyClaim): Promise<KeyClaim> {
  const { principal, route, key, requestHash } = claim;
  const { count } = await sql`
    INSERT INTO idempotency_keys (principal, route, key, request_hash, expires_at)
    VALUES (${principal}, ${route}, ${key}, ${requestHash}, now() + interval '24 hours')
    ON CONFLICT (principal, route, key) DO UPDATE
      SET request_hash = excluded.request_hash, result = NULL, expires_at = excluded.expires_at
      WHERE idempotency_keys.expires_at <= now()`;
  if (count === 1) return { kind: 'new' };

  const [served] = await sql<{ requestHash: string; result: Json }[]>`
    SELECT request_hash, result FROM idempotency_keys
    WHERE principal = ${principal} AND route = ${route} AND key = ${key}`;
  if (served?.requestHash !== requestHash) {
    throw new AppError('idempotency_key_reused', 'this Idempotency-Key was used for another request');
  }
  return { kind: 'repeat', result: served.result };
}

/** Keeps the result for repeats, in the transaction that claimed the key. */
export async function keepResult(sql: LedgerSql, claim: IdempotencyClaim, result: Json): Promise<void> {
  const { principal, route, key } = claim;
  await sql`
    UPDATE idempotency_keys SET result = ${json(sql, result)}
    WHERE principal = ${principal} AND route = ${route} AND key = ${key}`;
}

/** Forgets keys past their 24 hours. */
export async function sweepKeys(sql: LedgerSql): Promise<void> {
  await sql`DELETE FROM idempotency_keys WHERE expires_at <= now()`;
}
