import { timingSafeEqual } from 'node:crypto';
import { AppError } from '../app-error.ts';
import type { Actor, ApiKeys, Scope } from '../ports/index.ts';
import { hashSecret, parseApiKey } from './api-key-text.ts';

/** Who presented a key, and what it may do. */
export interface Principal {
  readonly actor: Actor;
  readonly scopes: readonly Scope[];
}

export interface AuthenticateDeps {
  readonly apiKeys: Pick<ApiKeys, 'find' | 'touch'>;
  readonly now: () => Date;
}

/** Compared with when there is no such key, so that an unknown id takes as long as a wrong secret. */
const hashOfNothing = hashSecret('');

/**
 * Tells whose key this is.
 * @throws AppError `unauthenticated` for a key that is malformed, unknown, wrong, revoked or expired.
 */
export async function authenticate(deps: AuthenticateDeps, presentedKey: string): Promise<Principal> {
  const parts = parseApiKey(presentedKey);
  if (parts === null) throw new AppError('unauthenticated', 'The API key is not valid');
  const key = await deps.apiKeys.find(parts.id);
  const matches = timingSafeEqual(
    Buffer.from(hashSecret(parts.secret), 'hex'),
    Buffer.from(key?.secretHash ?? hashOfNothing, 'hex'),
  );
  if (key === undefined || !matches) throw new AppError('unauthenticated', 'The API key is not valid');
  // Only the owner of the secret gets to know more.
  if (key.revokedAt !== null) throw new AppError('unauthenticated', 'The API key was revoked');
  if (key.expiresAt !== null && key.expiresAt <= deps.now()) {
    throw new AppError('unauthenticated', `The API key expired at ${key.expiresAt.toISOString()}`);
  }
  await deps.apiKeys.touch(key.id);
  return { actor: { kind: 'api_key', id: key.id, name: key.name }, scopes: key.scopes };
}
