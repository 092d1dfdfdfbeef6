/** A node of a parse tree, as libpg-query gives it: its type is the key it stands under, or follows from where it stands. */
export type SqlNode = Readonly<Record<string, unknown>>;

/** A statement's type, such as `SelectStmt`, and what is in it, without positions in the text. */
export interface SqlTree {
  readonly type: string;
  readonly node: SqlNode;
}

export type ParsedSql =
  | { readonly kind: 'tree'; readonly tree: SqlTree }
  | { readonly kind: 'problem'; readonly code: 'syntax_error' | 'not_one_statement'; readonly detail: string };

export interface SqlToken {
  /** In bytes. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

type Parser = Pick<typeof import('libpg-query'), 'parseSync' | 'scanSync'>;
let parser: Promise<Parser> | undefined;

/** PostgreSQL's own parser is 2 MB of WebAssembly that takes half a second to load: whoever parses nothing must not wait for it. */
async function load(): Promise<Parser> {
  parser ??= import('libpg-query').then(async (module) => {
    await module.loadModule();
    return module;
  });
  return await parser;
}

/** Parses exactly one statement, by the grammar of PostgreSQL 18. */
export async function parseSql(text: string): Promise<ParsedSql> {
  const { parseSync } = await load();
  if (text.includes('\0')) return { kind: 'problem', code: 'syntax_error', detail: 'SQL holds no NUL character' };
  if (text.trim() === '') return notOne(0);
  try {
    const { stmts = [] } = parseSync(text);
    const [first, ...others] = stmts;
    if (first?.stmt === undefined || others.length > 0) return notOne(stmts.length);
    const [[type, node] = ['', {}]] = Object.entries(first.stmt as unknown as Record<string, SqlNode>);
    return { kind: 'tree', tree: { type, node: withoutPositions(node) as SqlNode } };
  } catch (error) {
    return { kind: 'problem', code: 'syntax_error', detail: error instanceof Error ? error.message : String(error) };
  }
}

/** The tokens of a text, of which nothing is asked but that its quotes and comments end; undefined when they do not. */
export async function scanSql(text: string): Promise<readonly SqlToken[] | undefined> {
  const { scanSync } = await load();
  if (text.includes('\0')) return undefined;
  try {
    return scanSync(text).tokens.map(({ start, end, text: token }) => ({ start, end, text: token }));
  } catch {
    return undefined;
  }
}

function notOne(count: number): ParsedSql {
  return { kind: 'problem', code: 'not_one_statement', detail: `Expected exactly one statement, got ${count}` };
}

const position = /(?:^|_)location$|^(?:rexpr_)?list_(?:start|end)$/;

function withoutPositions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPositions);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([key, inner]) => !(position.test(key) && typeof inner === 'number'));
  return Object.fromEntries(members.map(([key, inner]) => [key, withoutPositions(inner)]));
}
