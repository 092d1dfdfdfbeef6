import { parse } from 'libpg-query';

/** How a column is compared, where an index could serve it: only conditions that all have to hold. */
export interface ColumnUse {
  /** As the statement calls the table: its alias or name; null = not said. */
  readonly relation: string | null;
  readonly column: string;
  readonly how: 'equality' | 'range' | 'sort';
}

export interface RelationUse {
  readonly schema: string | null;
  readonly name: string;
  /** By which the scope's columns name it. */
  readonly alias: string;
}

/** One SELECT, UPDATE or DELETE level of a statement. */
export interface Scope {
  readonly relations: readonly RelationUse[];
  readonly uses: readonly ColumnUse[];
}

/** What a statement looks like, without any of its values. */
export interface QueryShape {
  readonly kind: 'select' | 'insert' | 'update' | 'delete' | 'merge' | 'other';
  readonly scopes: readonly Scope[];
  readonly counts: {
    readonly relations: number;
    readonly joins: number;
    readonly subqueries: number;
    readonly conditions: number;
    readonly alternatives: number;
    readonly functionsInConditions: number;
    readonly patternMatches: number;
    readonly aggregates: number;
    readonly windows: number;
    readonly sorts: number;
  };
  readonly hasWhere: boolean;
  readonly hasLimit: boolean;
  readonly isDistinct: boolean;
  readonly isGrouped: boolean;
  readonly selectsAll: boolean;
}

type Node = Readonly<Record<string, unknown>>;

const kinds: Readonly<Record<string, QueryShape['kind']>> = {
  SelectStmt: 'select',
  InsertStmt: 'insert',
  UpdateStmt: 'update',
  DeleteStmt: 'delete',
  MergeStmt: 'merge',
};
const rangeOperators = new Set(['<', '<=', '>', '>=']);

/** The shape of one statement; undefined for what is none, or more than one. Placeholders as pg_stat_statements writes them are understood. */
export async function queryShape(sql: string): Promise<QueryShape | undefined> {
  const parsed = await parse(sql).catch(() => undefined);
  const stmts = (parsed as { stmts?: readonly { stmt?: Node }[] } | undefined)?.stmts ?? [];
  const [only] = stmts;
  if (stmts.length !== 1 || only?.stmt === undefined) return undefined;
  const [[kind = '', body] = []] = Object.entries(only.stmt);
  if (typeof body !== 'object' || body === null) return undefined;
  const counted = new Counter();
  counted.visit({ [kind]: body } as Node, false);
  const top = body as Node;
  return {
    kind: kinds[kind] ?? 'other',
    scopes: counted.scopes,
    counts: {
      relations: counted.relations,
      joins: counted.joins,
      subqueries: Math.max(0, counted.scopes.length - 1),
      conditions: counted.conditions,
      alternatives: counted.alternatives,
      functionsInConditions: counted.functionsInConditions,
      patternMatches: counted.patternMatches,
      aggregates: counted.aggregates,
      windows: counted.windows,
      sorts: counted.sorts,
    },
    hasWhere: top['whereClause'] !== undefined,
    hasLimit: top['limitCount'] !== undefined,
    isDistinct: top['distinctClause'] !== undefined,
    isGrouped: top['groupClause'] !== undefined,
    selectsAll: counted.selectsAll,
  };
}

/** Walks a parse tree once. */
class Counter {
  readonly scopes: Scope[] = [];
  relations = 0;
  joins = 0;
  conditions = 0;
  alternatives = 0;
  functionsInConditions = 0;
  patternMatches = 0;
  aggregates = 0;
  windows = 0;
  sorts = 0;
  selectsAll = false;

  visit(node: unknown, inCondition: boolean): void {
    if (Array.isArray(node)) {
      for (const inner of node) this.visit(inner, inCondition);
      return;
    }
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === 'SelectStmt' || key === 'UpdateStmt' || key === 'DeleteStmt')
        this.scopes.push(scopeOf(value as Node));
      this.#count(key, value, inCondition);
      this.visit(value, inCondition || key === 'whereClause' || key === 'quals');
    }
  }

  #count(key: string, value: unknown, inCondition: boolean): void {
    if (key === 'RangeVar' || key === 'relation') this.relations += 1;
    if (key === 'JoinExpr') this.joins += 1;
    if (key === 'A_Star') this.selectsAll = true;
    if (key === 'SortBy') this.sorts += 1;
    if (key === 'BoolExpr' && (value as Node)['boolop'] === 'OR_EXPR') this.alternatives += 1;
    if (key === 'A_Expr' && inCondition) {
      this.conditions += 1;
      const { kind } = value as { kind?: string };
      if (kind === 'AEXPR_LIKE' || kind === 'AEXPR_ILIKE' || kind === 'AEXPR_SIMILAR') this.patternMatches += 1;
    }
    if (key === 'FuncCall') {
      const { over } = value as { over?: unknown };
      if (over !== undefined) this.windows += 1;
      else if (inCondition) this.functionsInConditions += 1;
      else this.aggregates += 1;
    }
  }
}

function scopeOf(body: Node): Scope {
  const relations: RelationUse[] = [];
  const uses: ColumnUse[] = [];
  for (const from of [body['fromClause'], body['usingClause']]) collectFrom(from, relations, uses);
  if (body['relation'] !== undefined) relations.push(relationOf(body['relation'] as Node));
  collectCondition(body['whereClause'], uses);
  for (const { SortBy } of (body['sortClause'] ?? []) as readonly { SortBy?: Node }[]) {
    const column = columnOf(SortBy?.['node']);
    if (column !== undefined) uses.push({ ...column, how: 'sort' });
  }
  return { relations, uses };
}

function collectFrom(node: unknown, relations: RelationUse[], uses: ColumnUse[]): void {
  if (Array.isArray(node)) {
    for (const inner of node) collectFrom(inner, relations, uses);
    return;
  }
  const { RangeVar, JoinExpr } = (node ?? {}) as { RangeVar?: Node; JoinExpr?: Node };
  if (RangeVar !== undefined) relations.push(relationOf(RangeVar));
  if (JoinExpr === undefined) return;
  collectFrom(JoinExpr['larg'], relations, uses);
  collectFrom(JoinExpr['rarg'], relations, uses);
  collectCondition(JoinExpr['quals'], uses);
}

/** Of a conjunction every part, of a disjunction none: no one index serves it. */
function collectCondition(node: unknown, uses: ColumnUse[]): void {
  const { BoolExpr, A_Expr, NullTest } = (node ?? {}) as { BoolExpr?: Node; A_Expr?: Node; NullTest?: Node };
  if (BoolExpr?.['boolop'] === 'AND_EXPR') {
    for (const part of BoolExpr['args'] as readonly unknown[]) collectCondition(part, uses);
  }
  if (A_Expr !== undefined) collectComparison(A_Expr, uses);
  if (NullTest?.['nulltesttype'] === 'IS_NULL') {
    const column = columnOf(NullTest['arg']);
    if (column !== undefined) uses.push({ ...column, how: 'equality' });
  }
}

function collectComparison(expression: Node, uses: ColumnUse[]): void {
  const how = comparisonOf(expression);
  if (how === undefined) return;
  const left = columnOf(expression['lexpr']);
  const right = columnOf(expression['rexpr']);
  if (left !== undefined) uses.push({ ...left, how });
  // `a.x = b.y` can be served from either side.
  if (right !== undefined && expression['kind'] === 'AEXPR_OP') uses.push({ ...right, how });
}

function comparisonOf({ kind, name }: Node): 'equality' | 'range' | undefined {
  const [operator] = ((name ?? []) as readonly { String?: { sval?: string } }[]).map((part) => part.String?.sval);
  if (kind === 'AEXPR_IN' || kind === 'AEXPR_OP_ANY') return operator === '=' ? 'equality' : undefined;
  if (kind === 'AEXPR_BETWEEN') return 'range';
  if (kind !== 'AEXPR_OP' || operator === undefined) return undefined;
  if (operator === '=') return 'equality';
  return rangeOperators.has(operator) ? 'range' : undefined;
}

function columnOf(node: unknown): { readonly relation: string | null; readonly column: string } | undefined {
  const { ColumnRef } = (node ?? {}) as { ColumnRef?: { fields?: readonly { String?: { sval?: string } }[] } };
  const names = (ColumnRef?.fields ?? []).map((part) => part.String?.sval);
  const column = names.at(-1);
  if (column === undefined || names.length > 3) return undefined;
  return { relation: names.at(-2) ?? null, column };
}

function relationOf(range: Node): RelationUse {
  const { schemaname, relname, alias } = range as {
    schemaname?: string;
    relname?: string;
    alias?: { aliasname?: string };
  };
  const name = relname ?? '';
  return { schema: schemaname ?? null, name, alias: alias?.aliasname ?? name };
}
