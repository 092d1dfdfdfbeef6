import { existsSync } from 'node:fs';
import pg from 'pg';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { createDatabase, majors, startPostgres, templateDatabase } from './postgres.ts';

async function one(url: string, sql: string): Promise<Record<string, unknown> | undefined> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(sql);
    return rows[0];
  } finally {
    await client.end();
  }
}

describe.each(majors)('startPostgres(%i)', (major) => {
  it('runs that major with the contrib extensions, lets flags win, and leaves nothing behind', async () => {
    const postgres = await startPostgres(major, { flags: ['max_connections=17'] });
    try {
      const seen = await one(
        postgres.url,
        `SELECT current_setting('server_version_num')::int / 10000 AS major,
        current_setting('max_connections') AS connections, current_setting('shared_preload_libraries') AS libraries`,
      );
      expect(seen).toEqual({ major, connections: '17', libraries: 'pg_stat_statements' });
      for (const extension of ['pgstattuple', 'amcheck', 'pg_stat_statements', 'pg_visibility']) {
        await one(postgres.url, `CREATE EXTENSION ${extension}`);
      }
    } finally {
      await postgres.stop();
    }
    expect(existsSync(postgres.dataDir)).toBe(false);
    expect(() => process.kill(postgres.pid, 0)).toThrow('ESRCH');
  });
});

describe('createDatabase', () => {
  const adminUrl = inject('postgresUrl');

  it('gives each caller an empty database and drops it although a session is open on it', async () => {
    const first = await createDatabase(adminUrl);
    const second = await createDatabase(adminUrl);
    await one(first.url, 'CREATE TABLE seen (id int)');
    expect(await one(second.url, `SELECT to_regclass('seen') AS seen`)).toEqual({ seen: null });
    const open = new pg.Client({ connectionString: first.url });
    open.on('error', () => undefined);
    await open.connect();
    await Promise.all([first.drop(), second.drop()]);
    expect(
      await one(
        adminUrl,
        `SELECT count(*)::int AS n FROM pg_database WHERE datname IN ('${first.name}', '${second.name}')`,
      ),
    ).toEqual({ n: 0 });
  });

  it('clones a template that was prepared once for all who ask', async () => {
    let prepared = 0;
    const prepare = async (url: string): Promise<void> => {
      prepared += 1;
      await one(url, 'CREATE TABLE migrated AS SELECT 7 AS version');
    };
    const names = await Promise.all([1, 2, 3].map(() => templateDatabase(adminUrl, 'support_template', prepare)));
    expect(prepared).toBe(1);
    const clone = await createDatabase(adminUrl, { template: names[2] as string });
    afterAll(() => clone.drop());
    expect(await one(clone.url, 'SELECT version FROM migrated')).toEqual({ version: 7 });
  });
});
