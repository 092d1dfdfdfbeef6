import type { TargetReader } from '@slacktide/application/ports';
import type { Membership, PasswordKind, PasswordSetting, RoleFacts } from './facts.ts';

/** INHERIT and SET became options of each grant. */
const grantOptionsSince = 160000;

const rolesSql = `
SELECT oid, rolname::text AS name, rolsuper AS superuser, rolcreaterole AS "createsRoles", rolreplication AS replicates,
  rolbypassrls AS "bypassesRls", rolcanlogin AS "canLogIn",
  CASE WHEN rolvaliduntil < 'infinity' THEN rolvaliduntil::text END AS "validUntil", coalesce(rolvaliduntil < now(), false) AS expired
FROM pg_roles ORDER BY rolname`;

function membershipsSql(serverVersion: number): string {
  const options =
    serverVersion >= grantOptionsSince
      ? 'm.inherit_option AS inherits, m.set_option AS sets'
      : 'r.rolinherit AS inherits, true AS sets';
  return `
SELECT m.roleid AS role, m.member, m.admin_option AS admin, ${options}
FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member ORDER BY m.roleid, m.member`;
}

/** The kind alone leaves the server. */
const passwordsSql = `
SELECT oid, CASE WHEN rolpassword IS NULL THEN 'none' WHEN rolpassword ~ '^md5[0-9a-f]{32}$' THEN 'md5'
    WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram-sha-256' ELSE 'other' END AS kind
FROM pg_authid`;

/** What ALTER ROLE and ALTER DATABASE set for our own session hides the server's own setting; it is listed itself. */
const passwordSettingsSql = `
SELECT NULL AS role, NULL AS database FROM pg_settings
WHERE name = 'password_encryption' AND setting = 'md5' AND source NOT IN ('database', 'user', 'database user')
UNION ALL
SELECT r.rolname::text, d.datname::text
FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase
WHERE 'password_encryption=md5' = ANY (s.setconfig) AND (s.setdatabase = 0 OR d.datname = current_database())
ORDER BY 1 NULLS FIRST, 2 NULLS FIRST`;

export interface RoleCatalogue {
  readonly roles: readonly RoleFacts[];
  readonly memberships: readonly Membership[];
  readonly passwords: ReadonlyMap<number, PasswordKind> | null;
  readonly passwordSettings: readonly PasswordSetting[];
}

/** Roles, who is a member of whom, and kinds of passwords where this role may know. */
export async function readRoles(reader: TargetReader): Promise<RoleCatalogue> {
  const roles = await reader.query<RoleFacts>(rolesSql);
  const memberships = await reader.query<Membership>(membershipsSql(reader.serverVersion));
  const passwordSettings = await reader.query<PasswordSetting>(passwordSettingsSql);
  return { roles, memberships, passwordSettings, passwords: await readPasswordKinds(reader) };
}

async function readPasswordKinds(reader: TargetReader): Promise<ReadonlyMap<number, PasswordKind> | null> {
  const [may] = await reader.query<{ visible: boolean }>(
    `SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS visible`,
  );
  if (may?.visible !== true) return null;
  const rows = await reader.query<{ oid: number; kind: PasswordKind }>(passwordsSql);
  return new Map(rows.map(({ oid, kind }) => [oid, kind]));
}
