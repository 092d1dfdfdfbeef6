import type { FactsResult, TargetReader } from '@slacktide/application/ports';

export interface ProbeFacts {
  readonly archiveMode: string;
  readonly permitted: boolean;
  /** The GRANTs that let our role do it. */
  readonly grant: string;
}

/** A segment without a record since the last switch is not finished by another one: a record is written first. */
export const recordStatement =
  "SELECT pg_catalog.pg_logical_emit_message(false, 'slacktide', 'probe of WAL archiving')";
export const switchStatement = 'SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_switch_wal()) AS file';

const factsSql = `
SELECT current_setting('archive_mode') AS "archiveMode",
  has_function_privilege('pg_switch_wal()', 'EXECUTE') AND has_function_privilege('pg_logical_emit_message(boolean, text, text' || rest || ')', 'EXECUTE') AS permitted,
  format('GRANT EXECUTE ON FUNCTION pg_catalog.pg_switch_wal() TO %I', current_user) AS grant
FROM (SELECT CASE WHEN current_setting('server_version_num')::int >= 170000 THEN ', boolean' ELSE '' END AS rest) AS v`;

export async function readProbeFacts(reader: TargetReader): Promise<FactsResult<ProbeFacts>> {
  const [facts] = await reader.query<ProbeFacts>(factsSql);
  if (facts === undefined) throw new Error('a SELECT of one row returned none');
  return { kind: 'facts', facts };
}
