import { createHash } from 'node:crypto';

const layout = /^slk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

/** Parts of an API key as it is presented: `slk_<id>_<secret>`. */
export interface ApiKeyParts {
  readonly id: string;
  readonly secret: string;
}

/** Null for anything that is not written like a key. */
export function parseApiKey(text: string): ApiKeyParts | null {
  const [, id, secret] = layout.exec(text) ?? [];
  return id === undefined || secret === undefined ? null : { id, secret };
}

/** The key as its owner keeps it. */
export function writeApiKey({ id, secret }: ApiKeyParts): string {
  return `slk_${id}_${secret}`;
}

/** What the ledger keeps of a secret: SHA-256, hex. 256 random bits need no slow hash. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
