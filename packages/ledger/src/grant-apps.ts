import type postgres from 'postgres';

/** What the apps may do with a table; with those named here less than with the rest. In the order of the alphabet. */
const everything = 'DELETE, INSERT, SELECT, UPDATE';
const less: Readonly<Record<string, string>> = {
  ledger_migrations: 'SELECT',
  audit_events: 'INSERT, SELECT',
  audit_seals: 'INSERT, SELECT',
  audit_sealing: 'SELECT, UPDATE',
  custom_templates: 'INSERT, SELECT, UPDATE',
};

const functions = [
  'ensure_history_day(timestamp with time zone)',
  'lock_history_day(date)',
  'drop_history_day(date)',
] as const;

/**
 * Gives the group role of the apps what they need of the ledger, and nothing that changes its schema or what is in the audit
 * log; makes the role, which cannot log in, where it is missing. Returns what is left for a superuser to do, in words and SQL.
 */
export async function grantApps(tx: postgres.TransactionSql, role: string): Promise<readonly string[]> {
  const missing = await ensureGroup(tx, role);
  if (missing !== undefined) return [missing];
  const apps = quoted(role);
  for (const { name, granted } of await ownTables(tx, role)) {
    const wanted = less[name] ?? everything;
    if (granted === wanted) continue;
    await tx.unsafe(`REVOKE ALL ON TABLE ${quoted(name)} FROM ${apps}`);
    await tx.unsafe(`GRANT ${wanted} ON TABLE ${quoted(name)} TO ${apps}`);
  }
  await tx.unsafe(`GRANT USAGE ON SCHEMA public TO ${apps}`);
  // How far ids were given out: the sealer asks.
  await tx.unsafe(`GRANT SELECT ON SEQUENCE audit_events_id_seq TO ${apps}`);
  await tx.unsafe(`GRANT EXECUTE ON FUNCTION ${functions.join(', ')} TO ${apps}`);
  return closeSchema(tx);
}

/** Tables of the ledger (not of a day: those are reached by their parents), and what the role was granted of each. */
function ownTables(tx: postgres.TransactionSql, role: string) {
  return tx<{ name: string; granted: string | null }[]>`
    SELECT relname AS name, (
      SELECT string_agg(privilege_type, ', ' ORDER BY privilege_type) FROM aclexplode(relacl) AS acl
      JOIN pg_roles ON pg_roles.oid = acl.grantee WHERE rolname = ${role}
    ) AS granted
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND pg_has_role(relowner, 'USAGE') ORDER BY relname`;
}

async function ensureGroup(tx: postgres.TransactionSql, role: string): Promise<string | undefined> {
  const [found] = await tx<[{ exists: boolean; mayCreate: boolean; me: string }]>`
    SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = ${role}) AS exists, current_user AS me,
      (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) AS "mayCreate"`;
  if (found.me === role) return `${role} owns the ledger: the apps need a role of their own`;
  if (found.exists) return undefined;
  const statement = `CREATE ROLE ${quoted(role)} NOLOGIN`;
  if (!found.mayCreate) {
    return `the apps have no role of their own yet, and ${found.me} may make none: ${statement}; then migrate again`;
  }
  // Roles belong to the server: migrations of several ledgers may come here at once.
  await tx.unsafe(
    `DO $do$ BEGIN ${statement}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $do$`,
  );
  return undefined;
}

/** Until PostgreSQL 14 anybody may create objects in the schema, and so put some in the way of the owner's functions. */
async function closeSchema(tx: postgres.TransactionSql): Promise<readonly string[]> {
  const [schema] = await tx<{ mine: boolean }[]>`
    SELECT pg_has_role(nspowner, 'USAGE') AS mine FROM pg_namespace, aclexplode(nspacl) AS granted
    WHERE nspname = 'public' AND granted.grantee = 0 AND granted.privilege_type = 'CREATE'`;
  if (schema === undefined) return [];
  const statement = 'REVOKE CREATE ON SCHEMA public FROM PUBLIC';
  if (!schema.mine) return [`anybody may create objects in the ledger's schema: ${statement}`];
  await tx.unsafe(statement);
  return [];
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
