import { AppError, allows, authenticate } from '@slacktide/application';
import type { Actor, Scope } from '@slacktide/application/ports';
import type { ApiDeps } from './deps.ts';

const anybody: Actor = { kind: 'system', id: 'anonymous', name: 'anonymous' };

/**
 * Default deny: whoever is not known, or lacks the scope, learns nothing about the rest of the request.
 * @throws AppError `unauthenticated` | `forbidden`
 */
export async function identify(
  deps: Pick<ApiDeps, 'apiKeys' | 'now'>,
  key: string | undefined,
  permission: Scope | 'public',
): Promise<Actor> {
  if (permission === 'public') return anybody;
  if (key === undefined) throw new AppError('unauthenticated', 'Send an API key: Authorization: Bearer slk_…');
  const { actor, scopes } = await authenticate(deps, key);
  if (!allows(scopes, permission)) throw new AppError('forbidden', `This needs the scope ${permission}`);
  return actor;
}
