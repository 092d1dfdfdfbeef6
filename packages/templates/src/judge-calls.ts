import type { Access } from '@slacktide/domain';
import type { SqlNode } from './parse-sql.ts';
import { nameOfMarker } from './placeholders.ts';
import { isChangingFunction, isSecretRelation, refusedFunction } from './refused-functions.ts';
import { nameParts, nodesOf, type Range, rangeOf, walk } from './walk.ts';

/** What a statement does besides what its kind says. */
export interface Calls {
  /** Codes and details of what it may not do. */
  readonly problems: readonly { readonly code: string; readonly detail: string }[];
  /** It calls functions, or operators, that are not the server's own: what they do and lock, only their author knows. */
  readonly callsOthers: boolean;
  /** It calls functions of the server's own that change something. */
  readonly changes: boolean;
  /** Statements within WITH that change rows. */
  readonly innerChanges: boolean;
}

const changeStatements = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt']);

/** Looks at all there is in a statement: in sub-selects, defaults, conditions. */
export function judgeCalls(root: SqlNode, rootType: string, access: Access): Calls {
  const problems = new Map<string, { code: string; detail: string }>();
  const refuse = (code: string, detail: string): void => void problems.set(`${code} ${detail}`, { code, detail });
  let [callsOthers, changes, innerChanges] = [false, false, false];
  const named = (name: string): void => {
    const why = refusedFunction(name);
    if (why !== undefined) refuse('function_not_allowed', `${name} ${why}`);
    if (isChangingFunction(name)) changes = true;
  };
  const commonTables = new Set(
    [...walk(root)].filter(({ key }) => key === 'CommonTableExpr').map(({ node }) => node['ctename']),
  );
  for (const { key, node } of walk({ [rootType]: root })) {
    if (key === 'FuncCall') {
      const parts = nameParts(node['funcname']);
      named(parts.at(-1) ?? '');
      if (parts.length > 1 && parts[0] !== 'pg_catalog') callsOthers = true;
    }
    // `t.f` and `(x).f` call f(t) and f(x) where there is no such column.
    if (key === 'ColumnRef' || key === 'A_Indirection') {
      for (const name of nameParts(node['fields'] ?? node['indirection']).slice(key === 'ColumnRef' ? 1 : 0))
        named(name);
    }
    if (isOthersOperator(key, node)) callsOthers = true;
    if (key === 'RangeTableSample' && !isOwnSample(node)) callsOthers = true;
    if (changeStatements.has(key)) {
      if (node !== root) innerChanges = true;
      if (key !== 'InsertStmt' && node['whereClause'] === undefined) {
        refuse(
          'no_condition',
          `${key === 'UpdateStmt' ? 'UPDATE' : 'DELETE'} needs a WHERE: without one it is about every row`,
        );
      }
      const target = rangeOf(node['relation']);
      if (target !== undefined && isSystem(target)) refuse('system_relation', `${target.name} belongs to the system`);
    }
    if (key === 'MergeStmt') refuse('statement_not_allowed', 'MERGE may stand in no template');
    if (key === 'IntoClause') refuse('statement_not_allowed', 'SELECT INTO makes a table');
    const range = rangeOf(node);
    if (range !== undefined)
      for (const detail of rangeProblems(range, commonTables)) refuse('relation_not_allowed', detail);
  }
  if (callsOthers && access === 'observe') {
    refuse('needs_act', 'Functions that are not the server\u2019s own may do anything: they need the access act');
  }
  return { problems: [...problems.values()], callsOthers, changes, innerChanges };
}

/** True for what belongs to the system, by its schema or, without one, because nothing else is found. A marker stands for a user's. */
export function isSystem({ schema, name }: Range): boolean {
  if (schema === undefined && nameOfMarker(name) !== undefined) return false;
  return schema === undefined || schema === 'information_schema' || /^pg_/.test(schema);
}

function rangeProblems({ catalog, schema, name }: Range, commonTables: ReadonlySet<unknown>): readonly string[] {
  if (catalog !== undefined)
    return [`${catalog}.${schema ?? ''}.${name} names a database: a statement works on its own`];
  if (schema !== undefined && /^pg_temp/.test(schema))
    return [`${schema}.${name} is temporary, and belongs to a session`];
  if (isSystem({ catalog, schema, name }) && isSecretRelation(name)) return [`${name} may hold secrets`];
  if (schema !== undefined || commonTables.has(name) || /^pg_/.test(name) || nameOfMarker(name) !== undefined)
    return [];
  return [`${name} has no schema: no other than pg_catalog is searched`];
}

/** Where operators are named, which are functions as well. */
const operatorNames: Readonly<Record<string, string>> = { A_Expr: 'name', SubLink: 'operName', SortBy: 'useOp' };

function isOthersOperator(key: string, node: SqlNode): boolean {
  const list = Object.hasOwn(operatorNames, key) ? operatorNames[key] : undefined;
  const parts = nameParts(list === undefined ? [] : node[list]);
  return parts.length > 1 && parts[0] !== 'pg_catalog';
}

function isOwnSample(node: SqlNode): boolean {
  return nodesOf(node['method'], 'String').every(({ sval }) => sval === 'system' || sval === 'bernoulli');
}
