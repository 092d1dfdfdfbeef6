import type { FoundFinding } from '@slacktide/domain';
import { parse } from 'libpg-query';
import { expect } from 'vitest';

/** What a proposed statement may be: anything else is a surprise. */
const statementKinds = [
  'AlterDomainStmt',
  'AlterTableStmt',
  'AlterTableSpaceOptionsStmt',
  'AlterFunctionStmt',
  'AlterRoleStmt',
  'AlterSystemStmt',
  'CommentStmt',
  'CreateStatsStmt',
  'DropStmt',
  'GrantStmt',
  'IndexStmt',
  'RefreshMatViewStmt',
  'ReindexStmt',
  'SelectStmt',
  'VacuumStmt',
] as const;

export interface ParsedStatement {
  readonly kind: string;
  /** Every relation, index or function it names, as `schema.name`, unquoted; unqualified ones without a dot. */
  readonly names: readonly string[];
}

/** Parses one statement. Fails the test unless the text is exactly one, of a kind that may be proposed. */
export async function parseStatement(sql: string): Promise<ParsedStatement> {
  const { stmts = [] } = await parse(sql);
  expect(stmts, sql).toHaveLength(1);
  const [[kind, node]] = Object.entries((stmts[0]?.stmt ?? {}) as Record<string, unknown>) as [[string, unknown]];
  expect(statementKinds, sql).toContain(kind);
  return { kind, names: [...new Set(namesIn(node, kind))] };
}

/**
 * Fails the test unless every statement that the finding proposes is one statement which names only the finding's object, its table, or
 * one of `others` (`schema.name`, unquoted).
 */
export async function expectProposalToBeAboutItself(finding: FoundFinding, others: readonly string[]): Promise<void> {
  const { schema, name, table } = finding.object;
  const own = [name, table].flatMap((part) => (part === null ? [] : [schema === null ? part : `${schema}.${part}`]));
  const { sql = [], rollbackSql = [] } = finding.action ?? {};
  for (const statement of [...sql, ...rollbackSql]) {
    const { kind, names } = await parseStatement(statement);
    const allowed = kind === 'SelectStmt' ? names.filter((named) => named.startsWith('pg_catalog.')) : [];
    for (const named of names) expect([...own, ...others, ...allowed], `${statement} names ${named}`).toContain(named);
  }
}

function* namesIn(node: unknown, kind: string): Generator<string> {
  if (Array.isArray(node)) {
    for (const inner of node) yield* namesIn(inner, kind);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const { relname, schemaname } = node as { relname?: string; schemaname?: string };
  if (relname !== undefined) yield schemaname === undefined ? relname : `${schemaname}.${relname}`;
  for (const [key, inner] of Object.entries(node)) {
    // DROP names its objects as lists of strings.
    if (kind === 'DropStmt' && key === 'objects') {
      for (const object of inner as readonly { List?: { items: readonly { String: { sval: string } }[] } }[]) {
        yield (object.List?.items ?? []).map(({ String: { sval } }) => sval).join('.');
      }
    } else {
      yield* namesIn(inner, kind);
    }
  }
}
