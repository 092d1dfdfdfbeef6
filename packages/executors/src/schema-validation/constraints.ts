import type { TargetReader } from '@slacktide/application/ports';

/** A constraint of a table, as it is now. */
export interface ConstraintState {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  /** `schema.table.constraint`, quoted by the server. */
  readonly quoted: string;
  readonly tableOid: number;
  readonly validated: boolean;
  /** Copied to partitions and heirs from a parent: it is validated there. */
  readonly inherited: boolean;
  /** What VALIDATE reads, about: the table with its partitions and heirs. */
  readonly sizeBytes: number;
  /** VALIDATE is for owners alone, on every version. */
  readonly permitted: boolean;
  readonly grant: string | null;
}

const stateSql = `
SELECT con.oid, n.nspname::text AS schema, c.relname::text AS "table", con.conname::text AS name,
  format('%I.%I.%I', n.nspname, c.relname, con.conname) AS quoted, c.oid AS "tableOid", con.convalidated AS validated,
  con.conparentid <> 0 OR NOT con.conislocal AS inherited,
  (SELECT coalesce(sum(greatest(p.relpages, 0)), 0)::float8 * current_setting('block_size')::float8 FROM pg_class p WHERE p.oid IN (
    WITH RECURSIVE below(oid) AS (SELECT c.oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN below b ON i.inhparent = b.oid) SELECT oid FROM below)) AS "sizeBytes",
  pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(n.oid, 'USAGE') AS permitted,
  nullif(concat_ws('; ', CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
    CASE WHEN NOT pg_has_role(c.relowner, 'USAGE') THEN format('GRANT %I TO %I', pg_get_userbyid(c.relowner), current_user) END), '') AS grant
FROM pg_constraint con JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace`;

/** Constraints of tables by the names that people give them: quoted, or joined by dots as they are. */
export function readNamedConstraints(
  reader: TargetReader,
  names: readonly string[],
): Promise<(ConstraintState & { readonly plain: string })[]> {
  return reader.query(
    `SELECT * FROM (SELECT s.*, s.schema || '.' || s."table" || '.' || s.name AS plain FROM (${stateSql}) AS s) AS named
WHERE quoted = ANY ($1::text[]) OR plain = ANY ($1::text[])`,
    [names],
  );
}

/** Constraints by schema, table and name. */
export function readConstraintsOf(
  reader: TargetReader,
  found: readonly { readonly schema: string; readonly table: string; readonly name: string }[],
): Promise<ConstraintState[]> {
  return reader.query<ConstraintState>(
    `${stateSql} JOIN unnest($1::text[], $2::text[], $3::text[]) AS asked (schema, "table", name)
ON asked.schema = n.nspname AND asked."table" = c.relname AND asked.name = con.conname`,
    [found.map(({ schema }) => schema), found.map(({ table }) => table), found.map(({ name }) => name)],
  );
}

export async function readConstraint(reader: TargetReader, oid: number): Promise<ConstraintState | undefined> {
  const [state] = await reader.query<ConstraintState>(`${stateSql} WHERE con.oid = $1::oid`, [oid]);
  return state;
}
