import type { TargetReader } from '@slacktide/application/ports';

/** What the directories of the server hold; null = our role may not list it. */
export interface Directories {
  readonly walBytes: number | null;
  /** Segments that wait to be archived. */
  readonly waitingForArchive: number | null;
  /** Of the server's log; 0 = it writes none itself. */
  readonly logBytes: number | null;
  /** Of temporary files, in all tablespaces. */
  readonly temporaryBytes: number | null;
}

interface Rights {
  readonly wal: boolean;
  readonly archive: boolean;
  readonly log: boolean;
  readonly temporary: boolean;
  readonly collectsLog: boolean;
}

/** Each by itself: a statement that only might call what our role may not is refused as a whole. */
export async function readDirectories(reader: TargetReader): Promise<Directories> {
  const [rights] = await reader.query<Rights>(rightsSql);
  if (rights === undefined) throw new Error('a SELECT without FROM returned no row');
  const measure = async (from: string, measured = 'sum(size)'): Promise<number> => {
    const [row] = await reader.query<{ value: number }>(
      `SELECT coalesce(${measured}, 0)::float8 AS value FROM ${from}`,
    );
    return row?.value ?? 0;
  };
  return {
    walBytes: rights.wal ? await measure('pg_ls_waldir()') : null,
    waitingForArchive: rights.archive
      ? await measure(`pg_ls_archive_statusdir() WHERE name LIKE '%.ready'`, 'count(*)')
      : null,
    logBytes: await readLogBytes(rights, measure),
    temporaryBytes: rights.temporary ? await measure(temporaryFiles) : null,
  };
}

/** There is no such directory where the server never collected its log. */
async function readLogBytes(
  { collectsLog, log }: Rights,
  measure: (from: string) => Promise<number>,
): Promise<number | null> {
  if (!collectsLog) return 0;
  return log ? await measure('pg_ls_logdir()') : null;
}

const mayCall = (name: string): string => `has_function_privilege('pg_catalog.${name}', 'EXECUTE')`;

const rightsSql = `
SELECT ${mayCall('pg_ls_waldir()')} AS wal, ${mayCall('pg_ls_archive_statusdir()')} AS archive, ${mayCall('pg_ls_logdir()')} AS log,
  ${mayCall('pg_ls_tmpdir(oid)')} AS temporary, current_setting('logging_collector')::boolean AS "collectsLog"`;

/** pg_global has none. */
const temporaryFiles = `pg_tablespace t CROSS JOIN LATERAL pg_ls_tmpdir(t.oid) AS f WHERE t.spcname <> 'pg_global'`;
