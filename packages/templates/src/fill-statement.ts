import { isDeepStrictEqual } from 'node:util';
import type { TemplateParameter } from '@slacktide/domain';
import { type Filling, fillTree } from './fill-tree.ts';
import type { JudgedStatement } from './judge-statement.ts';
import { parseSql, type SqlTree } from './parse-sql.ts';
import { castOf, type TextPart } from './placeholders.ts';
import { ruleOf } from './statement-rules.ts';
import { isNode, type Range } from './walk.ts';

/** An object of the catalogue that a parameter names. */
export interface NamedObject {
  readonly schema: string;
  /** Of a schema: empty. */
  readonly name: string;
  /** As the server quotes it: the only form that may enter a statement. */
  readonly quoted: string;
}

export interface StatementFilling {
  /** All of the template's, in order: `$n` is the n-th. */
  readonly parameters: readonly TemplateParameter[];
  /** By parameter. */
  readonly objects: ReadonlyMap<string, NamedObject>;
  /** How many rows of a SELECT are shown. */
  readonly maxRows: number;
}

export type Filled =
  | {
      readonly kind: 'filled';
      readonly text: string;
      /** The parameters whose values are sent with it, `$1` first. */
      readonly bound: readonly TemplateParameter[];
      /** The one relation it works on. */
      readonly relation: Range | null;
    }
  /** What was put in did not come out as what was meant. Nothing may be sent. */
  | { readonly kind: 'refused'; readonly detail: string };

/** Longest row that is shown, in characters of its JSON; a longer one is cut. */
export const longestRow = 65_536;

/**
 * Makes the text that is sent: names as the server quotes them, values by number and type. It is parsed again, and its tree has to be the template's but
 * for those names and casts: whatever a name is, it can be nothing else than that one name.
 */
export async function fillStatement(statement: JudgedStatement, filling: StatementFilling): Promise<Filled> {
  const { bound, names, parts, tree, way } = statement;
  const numbers: Filling['numbers'] = new Map(
    bound.map((parameter, at) => [filling.parameters.indexOf(parameter) + 1, { number: at + 1, parameter }]),
  );
  const types = new Map(names.map(({ name, type }) => [name, type]));
  const text = parts.map((part) => textOf(part, filling, numbers)).join('');
  const expected = fillTree(tree, { objects: filling.objects, types, numbers }).tree;
  if (!(await isTree(text, (parsed) => isDeepStrictEqual(parsed, expected)))) return refused;
  const rule = ruleOf(expected);
  const relation = 'refused' in rule ? null : rule.relation;
  if (way !== 'rows') return { kind: 'filled', text, bound, relation };
  const shown = showing(text, statement, filling.maxRows);
  return (await isTree(shown, (parsed) => isDeepStrictEqual(subquery(parsed), { [expected.type]: expected.node })))
    ? { kind: 'filled', text: shown, bound, relation }
    : refused;
}

const refused = {
  kind: 'refused',
  detail: 'with these names the statement is not the one that was registered: it is not sent',
} as const;

async function isTree(text: string, isRight: (tree: SqlTree) => boolean): Promise<boolean> {
  const parsed = await parseSql(text);
  return parsed.kind === 'tree' && isRight(parsed.tree);
}

function textOf(part: TextPart, { objects }: StatementFilling, numbers: Filling['numbers']): string {
  if (part.kind === 'sql') return part.text;
  if (part.kind === 'name') {
    const object = objects.get(part.name);
    if (object === undefined) throw new Error(`expected an object for ${part.name}`);
    return object.quoted;
  }
  const sent = numbers.get(part.number);
  if (sent === undefined) throw new Error(`expected a parameter $${part.number}`);
  return castOf(sent.number, sent.parameter);
}

/** One row more than is shown tells that there are more. What has effects is run to its end: counting all rows needs all of them. */
function showing(text: string, { hasEffects }: JudgedStatement, maxRows: number): string {
  const row = `pg_catalog.left(pg_catalog.row_to_json(result.*)::pg_catalog.text, ${longestRow + 1}) AS "row"`;
  const total = hasEffects ? ', pg_catalog.count(*) OVER ()::pg_catalog.float8 AS total' : '';
  // A comment at the end of the statement must not take the rest with it.
  return `SELECT ${row}${total} FROM (\n${text}\n) AS result LIMIT ${maxRows + 1}`;
}

function subquery({ node }: SqlTree): unknown {
  const [from] = Array.isArray(node['fromClause']) ? node['fromClause'] : [];
  const range: unknown = isNode(from) ? from['RangeSubselect'] : undefined;
  return isNode(range) ? range['subquery'] : undefined;
}
