/** NAMEDATALEN - 1, less `_idx` and five digits. */
const longestBaseBytes = 54;

/** SQL expression: the text `base`, cut to what leaves room for `freeIndexNameSql`, whole characters only. */
export function indexNameBaseSql(base: string): string {
  return `left(${base}, (SELECT max(cut) FROM generate_series(1, ${longestBaseBytes}) AS cut WHERE octet_length(left(${base}, cut)) <= ${longestBaseBytes}))`;
}

/**
 * SQL expression: the first name `<base>_idx`, `<base>_idx1`, … that no relation of the schema has, of at most 63 bytes. `rank` counts
 * from 0 those that ask for the same base in the same schema: each gets another name. `base` is by `indexNameBaseSql`.
 */
export function freeIndexNameSql(schemaOid: string, base: string, rank: string): string {
  return `(SELECT candidate.name
    FROM (SELECT ${base} || '_idx' || coalesce(nullif(number.n, 0)::text, '') AS name FROM (SELECT generate_series(0, 9999) AS n) number) candidate
    WHERE (SELECT taken.oid FROM pg_class taken WHERE taken.relname = candidate.name::name AND taken.relnamespace = ${schemaOid}) IS NULL
    OFFSET ${rank} LIMIT 1)`;
}

/** CREATE INDEX CONCURRENTLY of PostgreSQL 14.0 to 14.3 could leave rows out of an index (fixed in 14.4). */
export function buildsCorruptIndexes(serverVersion: number): boolean {
  return serverVersion >= 140000 && serverVersion < 140004;
}
