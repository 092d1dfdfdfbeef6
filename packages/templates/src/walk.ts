import type { SqlNode } from './parse-sql.ts';

/** Something in a parse tree, and the key it stands under: its type, or what it is for. */
export interface Visited {
  readonly key: string;
  readonly node: SqlNode;
}

/** Everything in a tree, from the outside in. */
export function* walk(value: unknown, key = ''): Generator<Visited> {
  if (Array.isArray(value)) {
    for (const inner of value) yield* walk(inner, key);
    return;
  }
  if (!isNode(value)) return;
  yield { key, node: value };
  for (const [name, inner] of Object.entries(value)) yield* walk(inner, name);
}

export function isNode(value: unknown): value is SqlNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a list holds of one type, e.g. the `String`s of a name. */
export function nodesOf(list: unknown, type: string): readonly SqlNode[] {
  const members = Array.isArray(list) ? list : [];
  return members.flatMap((member) => {
    const node = isNode(member) ? member[type] : undefined;
    return isNode(node) ? [node] : [];
  });
}

/** The parts of a name that stands as a list of strings. */
export function nameParts(list: unknown): readonly string[] {
  return nodesOf(list, 'String').map(({ sval }) => String(sval));
}

/** A relation as a statement names it; undefined for what is none. */
export interface Range {
  readonly catalog: string | undefined;
  readonly schema: string | undefined;
  readonly name: string;
}

export function rangeOf(node: unknown): Range | undefined {
  if (!isNode(node)) return undefined;
  const { relname, schemaname, catalogname } = node as {
    relname?: unknown;
    schemaname?: unknown;
    catalogname?: unknown;
  };
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  if (typeof relname !== 'string') return undefined;
  return { catalog: text(catalogname), schema: text(schemaname), name: relname };
}
