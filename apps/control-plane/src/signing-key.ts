import { readFileSync } from 'node:fs';
import { type AuditSigner, auditSigner } from '@slacktide/application';

/**
 * The signer of AUDIT_SIGNING_KEY, `file:/path` or `env:NAME`; undefined when there is none.
 * @throws Error that names the reference, never the key, when it leads to no Ed25519 key in PEM
 */
export function readSigningKey(
  reference: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): AuditSigner | undefined {
  if (reference === undefined) return undefined;
  try {
    return auditSigner(secretOf(reference, env));
  } catch (error) {
    throw new Error(`AUDIT_SIGNING_KEY ${reference}: ${error instanceof Error ? error.message : error}`);
  }
}

function secretOf(reference: string, env: Readonly<Record<string, string | undefined>>): string {
  const place = reference.slice(reference.indexOf(':') + 1);
  if (reference.startsWith('file:')) return readFileSync(place, 'utf8');
  const value = env[place];
  if (value === undefined || value === '') throw new Error('the variable is not set');
  return value;
}
