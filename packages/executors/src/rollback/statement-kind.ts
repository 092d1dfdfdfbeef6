/** How a statement of a rollback point has to be sent. They are our own, so their first words tell. */
export type RollbackStatement =
  | { readonly kind: 'create'; readonly table: string; readonly index: string; readonly quoted: string }
  | { readonly kind: 'drop'; readonly quoted: string }
  /** A short lock on a table, or on the index of a table. */
  | { readonly kind: 'short'; readonly relation: string }
  | { readonly kind: 'other' };

/** As the server quotes names: whatever it leaves bare is plain. */
const name = '(?:[a-z_][a-z0-9_$]*|"(?:[^"]|"")+")';
const create = new RegExp(`^CREATE (?:UNIQUE )?INDEX CONCURRENTLY (${name}) ON ((${name})\\.${name}) `);
const drop = new RegExp(`^DROP INDEX CONCURRENTLY (?:IF EXISTS )?(${name}\\.${name})$`);
const short = new RegExp(`^(?:ALTER INDEX|COMMENT ON INDEX|ANALYZE|ALTER TABLE(?: ONLY)?) (${name}\\.${name})(?: |$)`);

export function rollbackStatement(statement: string): RollbackStatement {
  const [, index, table, schema] = create.exec(statement) ?? [];
  if (index !== undefined && table !== undefined && schema !== undefined) {
    return { kind: 'create', table, index: unquoted(index), quoted: `${schema}.${index}` };
  }
  const [, dropped] = drop.exec(statement) ?? [];
  if (dropped !== undefined) return { kind: 'drop', quoted: dropped };
  const [, relation] = short.exec(statement) ?? [];
  return relation === undefined ? { kind: 'other' } : { kind: 'short', relation };
}

/** A name as the catalogue has it. */
function unquoted(quoted: string): string {
  return quoted.startsWith('"') ? quoted.slice(1, -1).replaceAll('""', '"') : quoted;
}
