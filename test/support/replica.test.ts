import { existsSync } from 'node:fs';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startPostgres } from './postgres.ts';
import { startReplicaOf, waitForReplay } from './replica.ts';

describe.each([14, 18] as const)('startReplicaOf on PostgreSQL %i', (major) => {
  it('gets what the primary commits, and leaves nothing behind', async () => {
    const primary = await startPostgres(major, { flags: ['max_connections=33'] });
    onTestFinished(() => primary.stop());
    const onPrimary = await connect(primary.url);
    await onPrimary.query(`SELECT pg_create_physical_replication_slot('kept')`);
    await onPrimary.query('CREATE TABLE early AS SELECT generate_series(1, 1000) AS n');
    const replica = await startReplicaOf(primary, { name: 'second', flags: ['work_mem=7MB'] });
    try {
      await onPrimary.query('CREATE TABLE late AS SELECT generate_series(1, 500) AS n');
      await waitForReplay(primary.url, replica.url);
      const onReplica = await connect(replica.url);
      const { rows } = await onReplica.query(`
        SELECT (SELECT count(*)::int FROM early) AS early, (SELECT count(*)::int FROM late) AS late, pg_is_in_recovery() AS standby,
          current_setting('max_connections') AS connections, current_setting('work_mem') AS memory,
          (SELECT count(*)::int FROM pg_replication_slots) AS slots`);
      expect(rows).toEqual([{ early: 1000, late: 500, standby: true, connections: '33', memory: '7MB', slots: 0 }]);
      const { rows: senders } = await onPrimary.query(
        'SELECT application_name AS name, state FROM pg_stat_replication',
      );
      expect(senders).toEqual([{ name: 'second', state: 'streaming' }]);
      await expect.poll(async () => (await onPrimary.query('SELECT FROM pg_replication_slots')).rowCount).toBe(1);
    } finally {
      await replica.stop();
    }
    expect(existsSync(replica.dataDir)).toBe(false);
  });
});

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // The server may go first.
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}
