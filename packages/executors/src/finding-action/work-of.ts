import { quotedName } from '@slacktide/acting';

/** What a statement does to one object. The statements are those of our own checks, so their first words tell. Names are `schema.name`, quoted by the server. */
export type StatementWork =
  /** `whole` = partitioned, made without its parts, dropped with them. */
  | { readonly kind: 'create'; readonly index: string; readonly table: string; readonly whole: boolean }
  | { readonly kind: 'drop'; readonly index: string; readonly whole: boolean }
  | { readonly kind: 'reindex'; readonly index: string }
  /** The index becomes a part of a partitioned one. */
  | { readonly kind: 'attach'; readonly index: string }
  | { readonly kind: 'vacuum' | 'analyze' | 'validate' | 'refresh'; readonly table: string }
  | { readonly kind: 'other' };

const relation = `(${quotedName}\\.${quotedName})`;
const create = new RegExp(
  `^CREATE (?:UNIQUE )?INDEX (CONCURRENTLY )?(${quotedName}) ON (?:ONLY )?((${quotedName})\\.${quotedName}) `,
);
const drop = new RegExp(`^DROP INDEX (CONCURRENTLY )?${relation}$`);
const reindex = new RegExp(`^REINDEX INDEX (?:CONCURRENTLY )?${relation}$`);
const attach = new RegExp(`^ALTER INDEX ${relation} ATTACH PARTITION ${relation}$`);
const onTable = [
  { kind: 'vacuum', pattern: new RegExp(`^VACUUM (?:\\([^)]*\\) )?${relation}$`) },
  { kind: 'analyze', pattern: new RegExp(`^ANALYZE (?:ONLY )?${relation}$`) },
  { kind: 'validate', pattern: new RegExp(`^ALTER TABLE ${relation} VALIDATE CONSTRAINT `) },
  { kind: 'refresh', pattern: new RegExp(`^REFRESH MATERIALIZED VIEW ${relation}$`) },
] as const;

export function workOf(statement: string): StatementWork {
  const [made, online, bare, table, schema] = create.exec(statement) ?? [];
  if (made !== undefined && bare !== undefined && table !== undefined && schema !== undefined) {
    return { kind: 'create', index: `${schema}.${bare}`, table, whole: online === undefined };
  }
  const [gone, concurrently, dropped] = drop.exec(statement) ?? [];
  if (gone !== undefined && dropped !== undefined) {
    return { kind: 'drop', index: dropped, whole: concurrently === undefined };
  }
  const rebuilt = reindex.exec(statement)?.[1];
  if (rebuilt !== undefined) return { kind: 'reindex', index: rebuilt };
  const part = attach.exec(statement)?.[2];
  if (part !== undefined) return { kind: 'attach', index: part };
  for (const { kind, pattern } of onTable) {
    const named = pattern.exec(statement)?.[1];
    if (named !== undefined) return { kind, table: named };
  }
  return { kind: 'other' };
}

/** Why what a statement does leaves nothing to take back, for a person; `other` that has no way back cannot be taken back at all. */
export function whyNoWayBack({ kind }: StatementWork): string {
  switch (kind) {
    case 'validate':
      return 'a validated constraint holds as it did before, and is only believed now: nothing is to be brought back';
    case 'reindex':
      return 'the index is the same, in a new file: nothing is to be brought back';
    case 'vacuum':
    case 'analyze':
      return 'no row and no definition was changed: nothing is to be brought back';
    case 'attach':
      return 'the index is a part of the partitioned one now, and goes with it alone';
    case 'drop':
      return 'no query could use what was dropped: nothing is to be brought back';
    case 'create':
    case 'refresh':
    case 'other':
      return 'no statement takes it back';
  }
}
