import type { Deps } from '../deps.ts';
import type { ApiKeys, RequestContext, Scope } from '../ports/index.ts';
import { hashSecret, writeApiKey } from './api-key-text.ts';

export interface NewApiKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null = until it is revoked. */
  readonly expiresAt: Date | null;
}

/**
 * Makes an API key and returns it, this once: the ledger keeps only a hash. The key is stored before it is audited; when
 * the audit fails nobody has learned the secret, so the row gives access to nobody.
 */
export async function createApiKey(
  deps: Pick<Deps, 'ledger' | 'randomBytes'> & { readonly apiKeys: Pick<ApiKeys, 'insert'> },
  ctx: RequestContext,
  input: NewApiKey,
): Promise<{ readonly id: string; readonly key: string }> {
  const id = Buffer.from(deps.randomBytes(8)).toString('hex');
  const secret = Buffer.from(deps.randomBytes(32)).toString('base64url');
  const { name, scopes, expiresAt } = input;
  await deps.apiKeys.insert({ id, name, scopes, expiresAt, secretHash: hashSecret(secret), revokedAt: null });
  await deps.ledger.transaction(ctx, async () => ({
    result: null,
    audit: [
      {
        action: 'api_key.create',
        entity: 'api_key',
        entityId: id,
        before: null,
        after: { name, scopes, expires_at: expiresAt?.toISOString() ?? null },
      },
    ],
  }));
  return { id, key: writeApiKey({ id, secret }) };
}
