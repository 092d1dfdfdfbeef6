import type { Json } from '@slacktide/domain';

/**
 * The one text of a JSON value that its hash is taken of (RFC 8785): without white space, members by the UTF-16 code units of
 * their names; numbers and strings as ECMAScript writes them, which the RFC takes over.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
}
