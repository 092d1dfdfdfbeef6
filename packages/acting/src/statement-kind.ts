import type { GatedOperation } from '@slacktide/targets';

/** … INDEX CONCURRENTLY: waits for others' snapshots, and leaves something behind when it fails. */
export interface ConcurrentStatement {
  readonly kind: 'concurrent';
  readonly operation: GatedOperation;
  /** The table of a CREATE, else the index: `schema.name`, quoted by the server. */
  readonly relation: string;
  /** Name of the index, quoted, without its schema. */
  readonly index: string;
}

/** How a statement has to be sent. The statements are those of our own checks, so their first words tell. */
export type StatementKind =
  | ConcurrentStatement
  /** A function that tells by its row whether it did something. */
  | { readonly kind: 'select' }
  /** VACUUM and ANALYZE end with success and a mere warning when they skip. */
  | { readonly kind: 'vacuum' }
  | { readonly kind: 'other' };

/** Source of a pattern: one name as the server quotes it. Whatever it leaves bare is plain. */
export const quotedName = '(?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")';
const concurrent = /^(?:(CREATE)(?: UNIQUE)?|(DROP)|REINDEX(?: \([^)]*\))?) INDEX CONCURRENTLY /;
const create = new RegExp(`^(?:IF NOT EXISTS )?(${quotedName}) ON (${quotedName}\\.${quotedName}) `);
const dropOrReindex = new RegExp(`^(?:IF EXISTS )?(${quotedName}\\.(${quotedName}))$`);

export function statementKind(statement: string): StatementKind {
  const [head, creates, drops] = concurrent.exec(statement) ?? [];
  if (head !== undefined) {
    const rest = statement.slice(head.length);
    const names = creates === undefined ? dropOrReindex.exec(rest) : create.exec(rest);
    const [relation, index] = creates === undefined ? [names?.[1], names?.[2]] : [names?.[2], names?.[1]];
    if (relation === undefined || index === undefined) throw new Error(`expected qualified names in ${statement}`);
    const operation = creates === undefined ? (drops === undefined ? 'reindex' : 'drop') : 'create';
    return { kind: 'concurrent', operation, relation, index };
  }
  if (/^SELECT /.test(statement)) return { kind: 'select' };
  if (/^(?:VACUUM|ANALYZE)\b/.test(statement)) return { kind: 'vacuum' };
  return { kind: 'other' };
}
