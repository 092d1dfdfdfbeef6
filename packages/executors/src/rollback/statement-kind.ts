import { quotedName } from '@slacktide/acting';

/** How a statement of a rollback point has to be sent. They are our own, so their first words tell. */
export type RollbackStatement =
  | { readonly kind: 'create'; readonly table: string; readonly index: string; readonly quoted: string }
  /** A partitioned index without its parts. */
  | { readonly kind: 'create_whole'; readonly table: string; readonly quoted: string }
  | { readonly kind: 'drop'; readonly quoted: string }
  /** A partitioned index with its parts. */
  | { readonly kind: 'drop_whole'; readonly quoted: string }
  /** A short lock on a table, or on the index of a table. */
  | { readonly kind: 'short'; readonly relation: string }
  | { readonly kind: 'other' };

const create = new RegExp(
  `^CREATE (?:UNIQUE )?INDEX CONCURRENTLY (${quotedName}) ON ((${quotedName})\\.${quotedName}) `,
);
const createWhole = new RegExp(`^CREATE (?:UNIQUE )?INDEX (${quotedName}) ON ONLY ((${quotedName})\\.${quotedName}) `);
const drop = new RegExp(`^DROP INDEX (CONCURRENTLY )?(?:IF EXISTS )?(${quotedName}\\.${quotedName})$`);
const shortKinds = 'ALTER INDEX|COMMENT ON INDEX|ANALYZE|ALTER TABLE(?: ONLY)?|REFRESH MATERIALIZED VIEW';
const short = new RegExp(`^(?:${shortKinds}) (${quotedName}\\.${quotedName})(?: |$)`);

export function rollbackStatement(statement: string): RollbackStatement {
  const [, index, table, schema] = create.exec(statement) ?? [];
  if (index !== undefined && table !== undefined && schema !== undefined) {
    return { kind: 'create', table, index: unquoted(index), quoted: `${schema}.${index}` };
  }
  const [, whole, parent, parentSchema] = createWhole.exec(statement) ?? [];
  if (whole !== undefined && parent !== undefined && parentSchema !== undefined) {
    return { kind: 'create_whole', table: parent, quoted: `${parentSchema}.${whole}` };
  }
  const [, online, dropped] = drop.exec(statement) ?? [];
  if (dropped !== undefined) return { kind: online === undefined ? 'drop_whole' : 'drop', quoted: dropped };
  const [, relation] = short.exec(statement) ?? [];
  return relation === undefined ? { kind: 'other' } : { kind: 'short', relation };
}

/** A name as the catalogue has it. */
function unquoted(quoted: string): string {
  return quoted.startsWith('"') ? quoted.slice(1, -1).replaceAll('""', '"') : quoted;
}
