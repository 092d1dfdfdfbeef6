import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, type PostgresMajor } from '../../../test/support/postgres.ts';
import { migrateLedger } from './migrate.ts';

const packageDir = fileURLToPath(new URL('..', import.meta.url));

async function emptyDatabase(major: PostgresMajor = 18) {
  const { url, drop } = await createDatabase(inject('targetUrls')[major]);
  onTestFinished(drop);
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  onTestFinished(() => sql.end());
  const applied = () => sql`SELECT made_at, hash FROM ledger_migrations ORDER BY made_at`;
  return { url, sql, applied };
}

describe.each([14, 18] as const)('migrateLedger on PostgreSQL %i', (major) => {
  it('migrates from empty, and does nothing the second time', async () => {
    const { url, sql, applied } = await emptyDatabase(major);
    await migrateLedger(url);
    const first = await applied();
    expect(first.length).toBe(
      readdirSync(join(packageDir, 'migrations')).filter((name) => name.endsWith('.sql')).length,
    );
    await migrateLedger(url);
    expect(await applied()).toEqual(first);
    const partitioned = await sql`SELECT relname FROM pg_class WHERE relkind = 'p' ORDER BY relname`;
    expect(partitioned.map(({ relname }) => relname)).toEqual(['jobs', 'steps', 'tasks']);
  });

  it('lets several processes start at once: each migration is applied once', async () => {
    const { url, applied } = await emptyDatabase(major);
    await Promise.all([1, 2, 3, 4].map(() => migrateLedger(url)));
    const hashes = (await applied()).map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe('migrateLedger', () => {
  it('refuses a ledger newer than the code, and changes nothing', async () => {
    const { url, sql, applied } = await emptyDatabase();
    await migrateLedger(url);
    await sql`INSERT INTO ledger_migrations (made_at, hash) VALUES (9000000000000, 'of the future')`;
    const before = await applied();
    await expect(migrateLedger(url)).rejects.toThrow('the ledger is newer than this code');
    expect(await applied()).toEqual(before);
  });

  it('refuses a ledger whose migrations are not those of the code', async () => {
    const { url, sql } = await emptyDatabase();
    await migrateLedger(url);
    await sql`UPDATE ledger_migrations SET hash = 'edited' WHERE made_at = (SELECT min(made_at) FROM ledger_migrations)`;
    await expect(migrateLedger(url)).rejects.toThrow('migration 0 of the ledger is not the one of this code');
  });
});

it('the committed migrations say what src/schema says: drizzle-kit has nothing to add', async () => {
  const out = mkdtempSync(join(tmpdir(), 'slacktide-migrations-'));
  onTestFinished(() => rmSync(out, { recursive: true }));
  cpSync(join(packageDir, 'migrations'), out, { recursive: true });
  const { stdout } = await promisify(execFile)(
    join(packageDir, 'node_modules/.bin/drizzle-kit'),
    [
      'generate',
      '--dialect=postgresql',
      '--schema=./src/schema/index.ts',
      `--out=${relative(packageDir, out)}`,
      '--casing=snake_case',
    ],
    { cwd: packageDir },
  );
  expect(stdout).toContain('No schema changes');
  expect(readdirSync(out)).toEqual(readdirSync(join(packageDir, 'migrations')));
});
