import { TargetError, type TargetReader } from '@slacktide/application/ports';
import type { HbaFacts, HbaRule } from './facts.ts';

/** pg_hba.conf may be spread over files, and rules have numbers. */
const rulesNumberedSince = 160000;

const rightsSql = `
SELECT nullif(concat_ws('; ',
  CASE WHEN NOT has_table_privilege('pg_catalog.pg_hba_file_rules', 'SELECT')
    THEN format('GRANT SELECT ON pg_catalog.pg_hba_file_rules TO %I', current_user) END,
  CASE WHEN NOT has_function_privilege('pg_catalog.pg_hba_file_rules()', 'EXECUTE')
    THEN format('GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO %I', current_user) END), '') AS "missingGrant",
  current_setting('ssl')::boolean AS ssl`;

function rulesSql(serverVersion: number): string {
  const numbered = serverVersion >= rulesNumberedSince;
  // inet_send: two bytes of family and length, two of flags, then the address.
  const hex = (column: string): string =>
    `CASE WHEN netmask IS NOT NULL AND ${column} ~ '^[0-9a-fA-F.:]+$' THEN substr(encode(inet_send(${column}::inet), 'hex'), 9) END`;
  return `
SELECT line_number AS line, ${numbered ? 'file_name' : 'NULL::text'} AS file, type, coalesce(database, '{}') AS databases,
  coalesce(user_name, '{}') AS users, address, netmask, ${hex('address')} AS "addressHex", ${hex('netmask')} AS "netmaskHex",
  auth_method AS method, coalesce(options, '{}') AS options, error
FROM pg_hba_file_rules ORDER BY ${numbered ? 'rule_number NULLS LAST, file_name, line_number' : 'line_number'}`;
}

/** The rules as the file has them now, which need not be what was loaded last. */
export async function readHba(reader: TargetReader): Promise<HbaFacts> {
  const [rights] = await reader.query<{ missingGrant: string | null; ssl: boolean }>(rightsSql);
  const grant = rights?.missingGrant ?? null;
  if (grant !== null) return { kind: 'unknown', reason: 'pg_hba_file_rules may not be read', grant };
  try {
    const rules = await reader.query<HbaRule>(rulesSql(reader.serverVersion));
    return { kind: 'read', rules, ssl: rights?.ssl === true };
  } catch (error) {
    // Where a service provider keeps the file from everybody, or it is gone.
    if (!(error instanceof TargetError) || error.code === 'session_lost' || error.code === 'cancelled') throw error;
    return { kind: 'unknown', reason: `pg_hba_file_rules cannot be read: ${error.message}`, grant: null };
  }
}
