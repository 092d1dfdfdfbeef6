import type { TemplateParameter, TemplateParameterType } from '@slacktide/domain';
import type { SqlNode, SqlTree } from './parse-sql.ts';
import { nameOfMarker, typeNames } from './placeholders.ts';
import { isNode } from './walk.ts';

/** What stands for the names and values of a statement. */
export interface Filling {
  /** Of each relation, or of each schema (then without a name). */
  readonly objects: ReadonlyMap<string, { readonly schema: string; readonly name: string }>;
  readonly types: ReadonlyMap<string, TemplateParameterType>;
  /** By the number in the template: the number that is sent, and of which type. Others are left as they are. */
  readonly numbers: ReadonlyMap<number, { readonly number: number; readonly parameter: TemplateParameter }>;
}

/**
 * The tree that a filled statement must have: the template's with nothing else than relations and schemas in the places of their markers, and a cast
 * around each value. `filled` = how many markers there were in such places.
 */
export function fillTree(tree: SqlTree, filling: Filling): { readonly tree: SqlTree; readonly filled: number } {
  let filled = 0;
  const marked = (identifier: unknown, type: TemplateParameterType) => {
    const name = typeof identifier === 'string' ? nameOfMarker(identifier) : undefined;
    const object = name === undefined || filling.types.get(name) !== type ? undefined : filling.objects.get(name);
    if (object !== undefined) filled += 1;
    return object;
  };

  /** `schema.name` as a list of strings, followed by a column or not. */
  const fillParts = (parts: readonly unknown[]): readonly unknown[] => {
    const [first, ...rest] = parts;
    const text = isNode(first) && isNode(first['String']) ? first['String']['sval'] : undefined;
    const relation = marked(text, 'relation');
    if (relation !== undefined) return [stringNode(relation.schema), stringNode(relation.name), ...rest];
    const schema = rest.length > 0 ? marked(text, 'schema') : undefined;
    return schema === undefined ? parts : [stringNode(schema.schema), ...rest];
  };

  const fill = (value: unknown, type: string): unknown => {
    if (Array.isArray(value)) return value.map((inner) => fill(inner, type));
    if (!isNode(value)) return value;
    if ('relname' in value) return fillRange(value);
    const param = valueNode(value, filling);
    if (param !== undefined) return param;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner, key)]));
  };

  const fillRange = (range: SqlNode): SqlNode => {
    const { relname, schemaname } = range;
    const relation = schemaname === undefined ? marked(relname, 'relation') : undefined;
    const named = relation === undefined ? range : { ...range, schemaname: relation.schema, relname: relation.name };
    const schema = relation === undefined ? marked(schemaname, 'schema') : undefined;
    return schema === undefined ? named : { ...named, schemaname: schema.schema };
  };

  const { type, node } = tree;
  const whole = fill(node, type) as SqlNode;
  // These two name their object as a list, which elsewhere is the name of a column or a function.
  const result =
    type === 'DropStmt'
      ? { ...whole, objects: asArray(whole['objects']).map((object) => inList(object, fillParts)) }
      : type === 'CommentStmt'
        ? { ...whole, object: inList(whole['object'], fillParts) }
        : whole;
  return { tree: { type, node: result }, filled };
}

function valueNode(node: SqlNode, { numbers }: Filling): SqlNode | undefined {
  const param = isNode(node['ParamRef']) ? node['ParamRef'] : undefined;
  const sent = numbers.get(Number(param?.['number']));
  if (param === undefined || sent === undefined) return undefined;
  const { type } = sent.parameter;
  return {
    TypeCast: {
      arg: { ParamRef: { number: sent.number } },
      typeName: { names: [stringNode('pg_catalog'), stringNode(typeNames[type] ?? type)], typemod: -1 },
    },
  };
}

function stringNode(sval: string): SqlNode {
  return { String: { sval } };
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function inList(object: unknown, change: (items: readonly unknown[]) => readonly unknown[]): unknown {
  if (!isNode(object) || !isNode(object['List'])) return object;
  return { ...object, List: { ...object['List'], items: change(asArray(object['List']['items'])) } };
}
