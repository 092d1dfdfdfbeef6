import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

export interface Observed {
  /** Locks on relations that checks held or awaited: mode and OID, each once. */
  readonly locks: readonly string[];
  /** Most sessions that checks had open in the database at a time. */
  readonly sessions: number;
}

/**
 * Looks at what sessions of checks hold for as long as `work` goes on. From another database of the server, as checks find sessions of
 * their own one.
 */
export async function observe<T>(
  { serverUrl, name }: { serverUrl: string; name: string },
  work: Promise<T>,
): Promise<{ result: T; observed: Observed }> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  const locks = new Set<string>();
  let sessions = 0;
  let isOver = false;
  const over = work.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  while (!isOver) {
    const { rows } = await client.query<{ sessions: number; locks: string[] }>(
      `WITH ours AS MATERIALIZED (SELECT pid FROM pg_stat_activity WHERE datname = $1 AND starts_with(application_name, 'slacktide/'))
      SELECT (SELECT count(*)::int FROM ours) AS sessions, ARRAY(SELECT DISTINCT mode || ' ' || relation
        FROM pg_locks WHERE relation IS NOT NULL AND pid IN (SELECT pid FROM ours)) AS locks`,
      [name],
    );
    sessions = Math.max(sessions, rows[0]?.sessions ?? 0);
    for (const lock of rows[0]?.locks ?? []) locks.add(lock);
    await Promise.race([over, pause(5)]);
  }
  await client.end();
  return { result: await work, observed: { locks: [...locks], sessions } };
}
