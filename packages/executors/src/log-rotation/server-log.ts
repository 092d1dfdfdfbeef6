import type { TargetReader } from '@slacktide/application/ports';

/** What the server says of its own log. */
export interface ServerLog {
  /** The logging collector runs: else the server does not know where its log goes. */
  readonly isCollected: boolean;
  readonly mayRotate: boolean;
  /** The GRANT that lets it, quoted by the server. */
  readonly rotateGrant: string;
  /** Files the collector writes to, by their last names; null = the role may not know. */
  readonly current: readonly string[] | null;
  readonly currentGrant: string;
}

/** jsonlog came with 15, and earlier servers refuse the word. */
const jsonSince = 150000;
const formats = ['stderr', 'csvlog', 'jsonlog'];

/** Both functions are closed to PUBLIC; pg_monitor may ask for the current files, nobody but superusers may rotate. */
const rightsSql = `
SELECT current_setting('logging_collector') = 'on' AS "isCollected",
  has_function_privilege('pg_catalog.pg_rotate_logfile()', 'EXECUTE') AS "mayRotate",
  format('GRANT EXECUTE ON FUNCTION pg_catalog.pg_rotate_logfile() TO %I', current_user) AS "rotateGrant",
  has_function_privilege('pg_catalog.pg_current_logfile(text)', 'EXECUTE') AS "mayKnow",
  format('GRANT EXECUTE ON FUNCTION pg_catalog.pg_current_logfile(text) TO %I', current_user) AS "currentGrant"`;

export async function readServerLog(reader: Pick<TargetReader, 'query' | 'serverVersion'>): Promise<ServerLog> {
  const [row] = await reader.query<Omit<ServerLog, 'current'> & { readonly mayKnow: boolean }>(rightsSql);
  if (row === undefined) throw new Error('expected a row');
  const { mayKnow, ...rights } = row;
  return { ...rights, current: mayKnow ? await readCurrentFiles(reader) : null };
}

/** Empty while no collector runs. */
async function readCurrentFiles({
  query,
  serverVersion,
}: Pick<TargetReader, 'query' | 'serverVersion'>): Promise<readonly string[]> {
  const asked = formats.filter((format) => format !== 'jsonlog' || serverVersion >= jsonSince);
  const rows = await query<{ file: string }>(
    `SELECT file FROM (SELECT pg_catalog.pg_current_logfile(format) AS file FROM unnest($1::text[]) AS format) AS files WHERE file IS NOT NULL`,
    [asked],
  );
  // The folder may be called otherwise here: a file of the same name is left alone wherever it is.
  return rows.map(({ file }) => file.slice(file.lastIndexOf('/') + 1));
}
