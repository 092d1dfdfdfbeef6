import { AppError } from '@slacktide/application';
import type { Context } from 'hono';
import type { Endpoint } from './endpoint.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The text of the body; empty when there is none.
 * @throws AppError `unsupported_media_type` | `malformed_request` when it is not UTF-8
 */
export async function readBody(c: Context, endpoint: Pick<Endpoint, 'bodyMediaType'>): Promise<string> {
  const bytes = await c.req.arrayBuffer();
  if (bytes.byteLength === 0) return '';
  const mediaType = c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  const accepted = bodyMediaTypes(endpoint);
  if (mediaType === undefined || !accepted.includes(mediaType)) {
    throw new AppError('unsupported_media_type', `Expected Content-Type ${accepted.join(' or ')}`);
  }
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new AppError('malformed_request', 'The body is not valid UTF-8', { cause });
  }
}

/** What an endpoint takes, the preferred one first. */
export function bodyMediaTypes({ bodyMediaType }: Pick<Endpoint, 'bodyMediaType'>): readonly string[] {
  return bodyMediaType === undefined ? ['application/json'] : [bodyMediaType, 'application/json'];
}
