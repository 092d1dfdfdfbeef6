/** CREATE and REINDEX INDEX CONCURRENTLY of PostgreSQL 14.0 to 14.3 could leave rows out of an index (fixed in 14.4). */
export function buildsCorruptIndexes(serverVersion: number): boolean {
  return serverVersion >= 140_000 && serverVersion < 140_004;
}
