import type { Statement } from './read.ts';

/** A statement that was known at an earlier look. */
export interface KnownStatement {
  readonly id: string;
  readonly role: string;
  readonly topLevel: boolean;
  /** As it was kept, without literals; null = lost. */
  readonly query: string | null;
  readonly textIds: readonly string[];
}

/** By what a statement is one and the same, whatever becomes of its row and however its text is spelt. */
export interface StatementIdentity {
  readonly known: readonly KnownStatement[];
  /** Undefined = nothing but its text tells which it is. */
  nameOf(statement: Pick<Statement, 'role' | 'topLevel' | 'query'>): Promise<string | undefined>;
}

/** Names by which looks of any time are compared. */
interface NamedStatements {
  /** What the server has, those with most time first, then what it has no longer. */
  readonly statements: readonly KnownStatement[];
  /** A text of which nothing is known is its own name. */
  readonly nameOf: (textId: string) => string;
}

/** More spellings than this of one statement are not followed. */
const mostTexts = 20;

export async function nameStatements(
  present: readonly Statement[],
  { known, nameOf }: StatementIdentity,
): Promise<NamedStatements> {
  const names = new Map(known.flatMap(({ id, textIds }) => textIds.map((textId) => [textId, id] as const)));
  const statements = new Map<string, KnownStatement>();
  for (const { id: textId, role, topLevel, query } of present) {
    const id = (await nameOf({ role, topLevel, query })) ?? textId;
    names.set(textId, id);
    // The longest stands for the others with another spelling.
    const shown = statements.get(id) ?? { id, role, topLevel, query, textIds: [] };
    statements.set(id, { ...shown, textIds: [...shown.textIds, textId] });
  }
  for (const before of known) {
    const shown = statements.get(before.id) ?? { ...before, textIds: [] };
    statements.set(before.id, { ...shown, textIds: [...shown.textIds, ...before.textIds] });
  }
  return {
    statements: [...statements.values()].map(({ textIds, ...statement }) => ({
      ...statement,
      textIds: [...new Set(textIds)].slice(0, mostTexts),
    })),
    nameOf: (textId) => names.get(textId) ?? textId,
  };
}
