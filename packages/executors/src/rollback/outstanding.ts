import type { Restorable } from '@slacktide/acting';
import { rollbackStatement } from './statement-kind.ts';

/** What is left to do of the statements of a rollback point. */
export type Outstanding =
  | { readonly kind: 'some'; readonly statements: readonly string[] }
  /** What was to be taken back is as it was. */
  | { readonly kind: 'already_there' }
  /** An index of the name is there that is not the one that was. */
  | { readonly kind: 'name_taken' };

/**
 * The statements that the catalogue does not show to be done already. What an index that is there again lacks, its comment or a target of statistics, is
 * done all the same; statistics cannot be seen, so that they are collected once more.
 */
export function outstandingOf(statements: readonly string[], present: ReadonlyMap<string, Restorable>): Outstanding {
  const left: string[] = [];
  for (const statement of statements) {
    const kind = rollbackStatement(statement);
    if (kind.kind === 'create' || kind.kind === 'create_whole') {
      const there = present.get(kind.quoted);
      // A partitioned index is not valid until all its parts are there.
      const isUsable = kind.kind === 'create_whole' || there?.valid === true;
      if (there === undefined) left.push(statement);
      else if (!isUsable || !there.statements.includes(statement)) return { kind: 'name_taken' };
    } else if (kind.kind === 'drop' || kind.kind === 'drop_whole') {
      if (present.has(kind.quoted)) left.push(statement);
    } else if (!isDone(statement, present)) {
      left.push(statement);
    }
  }
  return left.length === 0 ? { kind: 'already_there' } : { kind: 'some', statements: left };
}

function isDone(statement: string, present: ReadonlyMap<string, Restorable>): boolean {
  return [...present.values()].some((there) => there.statements.includes(statement));
}
