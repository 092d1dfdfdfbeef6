/** PostgreSQL 17 brought the right MAINTAIN; before it only the owner of the table or of the database may VACUUM and ANALYZE. */
const maintainSince = 170000;

/** What the fragments below expect: pg_class as `c`, its pg_namespace as `n`. */
interface RightsSql {
  /** Whether this session may VACUUM and ANALYZE the table: `ANALYZE` without the right ends with success and a mere warning. */
  readonly permitted: string;
  /** The GRANT that cures it, quoted by the server; null when nothing is missing. */
  readonly grant: string;
}

/**
 * SQL expressions that tell whether the current role may maintain a table, by the rules of vacuum_is_permitted_for_relation().
 * USAGE of the schema counts as well: the statement names the table, and even pg_maintain does not include it.
 */
export function tableRightsSql(serverVersion: number): RightsSql {
  const databaseOwner = `NOT c.relisshared AND pg_has_role((SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE')`;
  const maintain =
    serverVersion >= maintainSince
      ? `(has_table_privilege(c.oid, 'MAINTAIN') OR ${databaseOwner})`
      : `(pg_has_role(c.relowner, 'USAGE') OR ${databaseOwner})`;
  const maintainGrant =
    serverVersion >= maintainSince
      ? `format('GRANT MAINTAIN ON TABLE %I.%I TO %I', n.nspname, c.relname, current_user)`
      : `format('GRANT %I TO %I', pg_get_userbyid(c.relowner), current_user)`;
  const usage = `has_schema_privilege(n.oid, 'USAGE')`;
  return {
    permitted: `(${maintain} AND ${usage})`,
    grant: `nullif(concat_ws('; ', CASE WHEN NOT ${usage} THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
      CASE WHEN NOT ${maintain} THEN ${maintainGrant} END), '')`,
  };
}
