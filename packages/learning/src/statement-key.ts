import { createHash } from 'node:crypto';
import { parse } from 'libpg-query';

/** A statement as pg_stat_statements has it. */
export interface StatementText {
  readonly role: string;
  /** Not executed inside a function. */
  readonly topLevel: boolean;
  readonly query: string;
}

/** In place of a literal or parameter. */
const value = '?';
/** Where a node stands in its text. */
const position = /(^|_)(location|start|end|len)$/;
/** How many values a list has differs from one execution to the next, and from 18 on pg_stat_statements does not tell. */
const listFields: readonly string[] = ['items', 'elements', 'valuesLists'];

/**
 * Names a statement of a role by what it does: spelling, comments, literals, numbers of parameters and lengths of lists make no difference, so that it keeps its
 * name when its row is evicted or reset, or the server is upgraded to a major that normalises in another way. Undefined = not one statement that can be
 * parsed, e.g. one that was cut off. (The fingerprint of libpg_query is not it: behind an alias it leaves out which table is meant.)
 */
export async function statementKey({ role, topLevel, query }: StatementText): Promise<string | undefined> {
  const parsed = await parse(query).catch(() => undefined);
  const stmts = (parsed as { stmts?: readonly { stmt?: unknown }[] } | undefined)?.stmts ?? [];
  if (stmts.length !== 1 || stmts[0]?.stmt === undefined) return undefined;
  const shape = JSON.stringify([role, topLevel, withoutValues(stmts[0].stmt)]);
  return createHash('sha256').update(shape).digest('hex').slice(0, 16);
}

function withoutValues(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutValues);
  if (typeof node !== 'object' || node === null) return node;
  if ('A_Const' in node || 'ParamRef' in node) return value;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([field]) => !position.test(field))
      .map(([field, inner]) => {
        const without = withoutValues(inner);
        return [field, listFields.includes(field) && Array.isArray(without) ? shortest(without) : without];
      }),
  );
}

/** A list of nothing but the same is as good as one of its elements. */
function shortest(list: readonly unknown[]): readonly unknown[] {
  const [first] = list;
  const same = JSON.stringify(first);
  const isValue = same?.includes(JSON.stringify(value)) === true;
  return isValue && list.every((element) => JSON.stringify(element) === same) ? [first] : list;
}
