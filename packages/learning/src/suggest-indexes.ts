import type { ColumnUse, QueryShape, RelationUse } from './query-shape.ts';

/** A statement worth speeding up. */
export interface SlowStatement {
  readonly id: string;
  readonly shape: QueryShape;
  readonly calls: number;
  readonly totalMs: number;
}

export interface TableFacts {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
  /** Rows inserted, updated and deleted a day: what each further index costs. */
  readonly writesPerDay: number | null;
  readonly columns: ReadonlyMap<string, ColumnFacts>;
  readonly indexes: readonly IndexKeys[];
}

export interface ColumnFacts {
  /** Values of their own, by the planner's statistics; null = unknown. */
  readonly distinctValues: number | null;
  /** Has a B-tree operator class by default. */
  readonly sortable: boolean;
}

/** Of a valid B-tree without predicate; other indexes serve too little to be counted. */
export interface IndexKeys {
  readonly columns: readonly string[];
}

export interface IndexSuggestion {
  readonly schema: string;
  readonly table: string;
  /** Equality first, the most selective leading; then one range or sort column. */
  readonly columns: readonly string[];
  readonly statements: readonly string[];
  /** Time of those statements, in milliseconds. */
  readonly totalMs: number;
  readonly rows: number;
  /** Share of the rows that the equality columns leave, by the statistics; null = unknown. */
  readonly expectedShare: number | null;
  readonly writesPerDay: number | null;
}

export interface SuggestionLimits {
  /** Smaller tables are read whole as fast. Default 10 000. */
  readonly minRows: number;
  /** An index that leaves more of the rows than this is not used. Default 0.1. */
  readonly maxShare: number;
}

export const suggestionLimits: SuggestionLimits = { minRows: 10_000, maxShare: 0.1 };
const mostEqualityColumns = 3;

/**
 * Indexes that would serve slow statements: of each table the columns compared for equality, then one range or sort column; never what an index
 * there is serves already. The most time saved first. Often there are none.
 */
export function suggestIndexes(
  statements: readonly SlowStatement[],
  tables: readonly TableFacts[],
  limits: SuggestionLimits = suggestionLimits,
): readonly IndexSuggestion[] {
  const byColumns = new Map<string, IndexSuggestion>();
  for (const statement of statements) {
    for (const candidate of candidatesOf(statement, tables, limits)) {
      const key = JSON.stringify([candidate.schema, candidate.table, candidate.columns]);
      const known = byColumns.get(key);
      byColumns.set(key, known === undefined ? candidate : merged(known, candidate));
    }
  }
  return withoutPrefixes([...byColumns.values()]).toSorted((a, b) => b.totalMs - a.totalMs);
}

function candidatesOf(
  { id, shape, totalMs }: SlowStatement,
  tables: readonly TableFacts[],
  limits: SuggestionLimits,
): readonly IndexSuggestion[] {
  return shape.scopes.flatMap(({ relations, uses }) =>
    relations.flatMap((relation): IndexSuggestion[] => {
      const table = tableOf(relation, tables);
      if (table === undefined || table.rows < limits.minRows) return [];
      const own = uses.filter((use) => isOf(use, relation, relations, table));
      const columns = keyColumns(own, table);
      const equality = equalityColumns(own, table);
      const expectedShare = shareOf(equality, table);
      if (columns.length === 0 || isServed(columns, equality, table)) return [];
      if (equality.length === 0 || (expectedShare !== null && expectedShare > limits.maxShare)) return [];
      const { schema, name, rows, writesPerDay } = table;
      return [{ schema, table: name, columns, statements: [id], totalMs, rows, expectedShare, writesPerDay }];
    }),
  );
}

/** A name that more than one schema has is not guessed at. */
function tableOf({ schema, name }: RelationUse, tables: readonly TableFacts[]): TableFacts | undefined {
  const named = tables.filter((table) => table.name === name && (schema === null || table.schema === schema));
  return named.length === 1 ? named[0] : undefined;
}

/** A column without its table's name belongs to the one table there is, or to the one that has it. */
function isOf(use: ColumnUse, relation: RelationUse, relations: readonly RelationUse[], table: TableFacts): boolean {
  if (!table.columns.has(use.column)) return false;
  return use.relation === null ? relations.length === 1 : use.relation === relation.alias;
}

function equalityColumns(uses: readonly ColumnUse[], table: TableFacts): readonly string[] {
  const columns = [...new Set(uses.filter(({ how }) => how === 'equality').map(({ column }) => column))];
  const distinct = (column: string): number => table.columns.get(column)?.distinctValues ?? 0;
  return columns
    .filter((column) => table.columns.get(column)?.sortable === true)
    .toSorted((a, b) => distinct(b) - distinct(a) || (a < b ? -1 : 1))
    .slice(0, mostEqualityColumns);
}

function keyColumns(uses: readonly ColumnUse[], table: TableFacts): readonly string[] {
  const equality = equalityColumns(uses, table);
  const rest = uses.filter(
    ({ column, how }) =>
      how !== 'equality' && !equality.includes(column) && table.columns.get(column)?.sortable === true,
  );
  const [last] = [...rest.filter(({ how }) => how === 'range'), ...rest.filter(({ how }) => how === 'sort')];
  return last === undefined ? equality : [...equality, last.column];
}

/** An index serves when it leads with the equality columns, in any order, and goes on with the rest; one that is unique on some of them serves all. */
function isServed(columns: readonly string[], equality: readonly string[], { indexes }: TableFacts): boolean {
  return indexes.some((index) => {
    const head = index.columns.slice(0, equality.length);
    if (!equality.every((column) => head.includes(column))) return false;
    return columns
      .slice(equality.length)
      .every((column, position) => index.columns[equality.length + position] === column);
  });
}

function shareOf(equality: readonly string[], { columns, rows }: TableFacts): number | null {
  const distinct = equality.map((column) => columns.get(column)?.distinctValues ?? null);
  if (distinct.length === 0 || distinct.includes(null)) return null;
  return Math.max(
    1 / rows,
    distinct.reduce<number>((share, values) => share / Math.max(values ?? 1, 1), 1),
  );
}

function merged(a: IndexSuggestion, b: IndexSuggestion): IndexSuggestion {
  return { ...a, statements: [...new Set([...a.statements, ...b.statements])], totalMs: a.totalMs + b.totalMs };
}

/** What a wider suggestion serves as well is not suggested besides. */
function withoutPrefixes(suggestions: readonly IndexSuggestion[]): readonly IndexSuggestion[] {
  const isPrefixOf = (a: IndexSuggestion, b: IndexSuggestion): boolean =>
    a !== b &&
    a.schema === b.schema &&
    a.table === b.table &&
    a.columns.length < b.columns.length &&
    a.columns.every((column, position) => b.columns[position] === column);
  return suggestions
    .filter((suggestion) => !suggestions.some((other) => isPrefixOf(suggestion, other)))
    .map((suggestion) =>
      suggestions
        .filter((other) => isPrefixOf(other, suggestion))
        .reduce((wide, narrow) => merged(wide, narrow), suggestion),
    );
}
