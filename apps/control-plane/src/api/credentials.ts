import type { Context } from 'hono';

/** The API key of a request: `Authorization: Bearer KEY` or `X-API-Key: KEY`. */
export function presentedKey(c: Context): string | undefined {
  return c.req.header('x-api-key') ?? credentials(c, 'bearer');
}

/**
 * The same, or Basic with the key as password: a browser can send nothing else to a page. For pages that only read: a
 * browser sends Basic by itself, also with a form that another site's page submits.
 */
export function presentedPageKey(c: Context): string | undefined {
  const basic = credentials(c, 'basic');
  if (basic === undefined) return presentedKey(c);
  const decoded = Buffer.from(basic, 'base64').toString('utf8');
  return decoded.slice(decoded.indexOf(':') + 1);
}

function credentials(c: Context, wanted: 'bearer' | 'basic'): string | undefined {
  const [, scheme, value] = /^(\S+) +(\S+)$/.exec(c.req.header('authorization') ?? '') ?? [];
  return scheme?.toLowerCase() === wanted ? value : undefined;
}
