import type { TemplateParameter } from '@slacktide/domain';
import { type SqlToken, scanSql } from './parse-sql.ts';

/** A part of a statement's text: SQL as it stands, `{{name}}`, or `$n`. */
export type TextPart =
  | { readonly kind: 'sql'; readonly text: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'value'; readonly number: number };

/** How a name stands in a tree until an object takes its place: quoted, so that it can be part of no keyword. */
export function markerOf(name: string): string {
  return `{{${name}}}`;
}

/** The name that a marker stands for; undefined for any other identifier. */
export function nameOfMarker(identifier: string): string | undefined {
  return /^\{\{([a-z][a-z0-9_]*)\}\}$/.exec(identifier)?.[1];
}

/** Takes a statement apart by PostgreSQL's own scanner: what stands in quotes or comments is SQL. Undefined when they do not end. */
export async function textParts(statement: string): Promise<readonly TextPart[] | undefined> {
  const tokens = await scanSql(statement);
  if (tokens === undefined) return undefined;
  const bytes = Buffer.from(statement);
  const parts: TextPart[] = [];
  let from = 0;
  const put = (part: TextPart, start: number, end: number): void => {
    if (start > from) parts.push({ kind: 'sql', text: bytes.toString('utf8', from, start) });
    parts.push(part);
    from = end;
  };
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) break;
    const value = /^\$(\d{1,5})$/.exec(token.text)?.[1];
    if (value !== undefined) put({ kind: 'value', number: Number(value) }, token.start, token.end);
    const placeholder = placeholderAt(tokens, at);
    if (placeholder === undefined) continue;
    put({ kind: 'name', name: placeholder.name }, token.start, placeholder.end);
    at += 4;
  }
  if (from < bytes.length) parts.push({ kind: 'sql', text: bytes.toString('utf8', from) });
  return parts;
}

/** `{`, `{`, a name, `}`, `}`, with nothing between them. */
function placeholderAt(tokens: readonly SqlToken[], at: number): { name: string; end: number } | undefined {
  const five = tokens.slice(at, at + 5);
  const [first, second, name, third, last] = five;
  const isTight = five.every((token, i) => i === 0 || token.start === five[i - 1]?.end);
  const braces = [first, second, third, last].map((token) => token?.text).join('');
  if (name === undefined || last === undefined || braces !== '{{}}' || !isTight) return undefined;
  return { name: name.text, end: last.end };
}

/** The statement with a marker for each name: what its tree is made of. */
export function markedText(parts: readonly TextPart[]): string {
  return parts.map((part) => (part.kind === 'name' ? `"${markerOf(part.name)}"` : textOf(part))).join('');
}

/** A bound value, of exactly the type that was declared. */
export function castOf(number: number, { type }: Pick<TemplateParameter, 'type'>): string {
  return `($${number}::pg_catalog.${typeNames[type] ?? type})`;
}

/** As pg_type calls them, where that differs. */
export const typeNames: Readonly<Partial<Record<TemplateParameter['type'], string>>> = { boolean: 'bool' };

function textOf(part: Exclude<TextPart, { kind: 'name' }>): string {
  return part.kind === 'sql' ? part.text : `$${part.number}`;
}
