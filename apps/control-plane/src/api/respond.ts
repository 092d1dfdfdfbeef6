import type { Context } from 'hono';
import type { Answer } from './endpoint.ts';

/** Writes an endpoint's answer; a page that is not the last one names the next (RFC 8288). */
export function respond(c: Context, { status, body, text, stream, headers }: Answer): Response {
  if (text !== undefined) return c.newResponse(text.content, status, { ...headers, 'content-type': text.mediaType });
  if (stream !== undefined) {
    const bytes = ReadableStream.from(stream.chunks).pipeThrough(new TextEncoderStream());
    return c.newResponse(bytes, status, { ...headers, 'content-type': stream.mediaType });
  }
  if (body === undefined) return c.newResponse(null, status, { ...headers });
  const jsonHeaders = { ...headers, ...linkToNext(c, body), 'content-type': 'application/json' };
  return c.newResponse(JSON.stringify(body), status, jsonHeaders);
}

function linkToNext(c: Context, body: object): Record<string, string> {
  if (!('next_cursor' in body) || typeof body.next_cursor !== 'string') return {};
  const next = new URL(c.req.url);
  next.searchParams.set('cursor', body.next_cursor);
  return { link: `<${next.pathname}${next.search}>; rel="next"` };
}
