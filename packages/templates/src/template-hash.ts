import { createHash } from 'node:crypto';
import { canonicalTemplate } from '@slacktide/domain';

/** SHA-256 of a version's content, in hexadecimal. */
export function templateHash(template: Parameters<typeof canonicalTemplate>[0]): string {
  return createHash('sha256').update(canonicalTemplate(template)).digest('hex');
}
