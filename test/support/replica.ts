import { randomBytes } from 'node:crypto';
import { appendFile, chown, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  embeddedPostgres,
  reachableInstallation,
  type ServerAccount,
  serverAccount,
  startPostgresServer,
} from '@slacktide/local';
import pg from 'pg';
import { vi } from 'vitest';
import { makeClusterDir } from './cluster-dir.ts';
import { onFreePort } from './free-port.ts';
import type { TestPostgres } from './postgres.ts';

/** Their files belong to one server only; the WAL comes over the wire. */
const directoriesLeftEmpty = new Set([
  ...['pg_dynshmem', 'pg_notify', 'pg_serial', 'pg_snapshots', 'pg_stat', 'pg_stat_tmp', 'pg_subtrans'],
  ...['pg_replslot', 'pg_wal'],
]);
const filesLeftOut = new Set(['postmaster.pid', 'postmaster.opts', 'standby.signal']);

/**
 * Starts a standby that streams from `primary` (one of `startPostgres`) and returns once it does. `name` is its
 * application_name there, default `replica`. It runs with the primary's settings; `flags` win over them, e.g. `['hot_standby_feedback=on']`,
 * or `['primary_slot_name=…']` for a slot that exists. There is no pg_basebackup in the binaries, so the files are copied here. Stop it before
 * its primary, or the primary waits for it to take the rest of the WAL.
 */
export async function startReplicaOf(
  primary: TestPostgres,
  { name = 'replica', flags = [] }: { name?: string; flags?: string[] } = {},
): Promise<TestPostgres> {
  const account = serverAccount();
  const backup = await openBackup(primary.url);
  try {
    return await onFreePort(async (port) => {
      const dir = makeClusterDir(account, `replica-${backup.major}`);
      const dataDir = join(dir, 'data');
      try {
        await backup.copyTo((label) => copyCluster(primary, dataDir, { account, name, label }));
      } catch (error) {
        await rm(dir, { recursive: true, force: true });
        throw error;
      }
      const server = await startPostgresServer({
        installation: reachableInstallation(embeddedPostgres(backup.major, import.meta.url), account, dir),
        account,
        dataDir,
        port,
        superuserPassword: 'postgres',
        logFile: join(dir, 'postgres.log'),
        settings: { ...backup.settings, ...Object.fromEntries(flags.map(toSetting)) },
        temporaryDir: dir,
      });
      const replica = {
        url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
        port,
        pid: server.pid,
        dataDir,
        stop: server.stop,
      };
      try {
        await backup.waitForStreaming(name);
      } catch (cause) {
        const log = server.logTail();
        await server.stop();
        throw new Error(`the replica does not stream from its primary:\n${log}`, { cause });
      }
      return replica;
    });
  } finally {
    await backup.end();
  }
}

/** Waits until `replica` has replayed everything that was committed on `primary` before the call. Both are superusers' URLs. */
export async function waitForReplay(primaryUrl: string, replicaUrl: string): Promise<void> {
  // A commit of its own, flushed: with synchronous_commit=off the last ones may not have been.
  const { lsn } = await withClient(primaryUrl, async (client) => {
    await client.query('SET synchronous_commit = local');
    const { rows } = await client.query<{ lsn: string }>(
      `SELECT pg_logical_emit_message(true, 'test', '')::text AS lsn`,
    );
    return rows[0] ?? { lsn: '0/0' };
  });
  await withClient(replicaUrl, (client) =>
    waitForRow(client, 'SELECT WHERE pg_last_wal_replay_lsn() >= $1::pg_lsn', [lsn]),
  );
}

interface Backup {
  readonly major: number;
  /** What the primary was started with. */
  readonly settings: Readonly<Record<string, string>>;
  /** Has the files copied as between the start and the end of a backup; `write` gets what goes into backup_label. */
  copyTo(copy: (label: () => Promise<string>) => Promise<void>): Promise<void>;
  waitForStreaming(name: string): Promise<void>;
  end(): Promise<void>;
}

/** One session on the primary: a backup that is not exclusive, and a slot that keeps its WAL, both end with it. */
async function openBackup(url: string): Promise<Backup> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ major: number; settings: Record<string, string> }>(`
    SELECT current_setting('server_version_num')::int / 10000 AS major,
      (SELECT json_object_agg(name, current_setting(name)) FROM pg_settings WHERE source = 'command line' AND name <> 'port') AS settings`);
  const [{ major, settings } = { major: 0, settings: {} }] = rows;
  const [start, stop] =
    major >= 15
      ? [`SELECT pg_backup_start('replica', true)`, 'SELECT labelfile FROM pg_backup_stop(false)']
      : [`SELECT pg_start_backup('replica', true, false)`, 'SELECT labelfile FROM pg_stop_backup(false, false)'];
  await client.query(`SELECT pg_create_physical_replication_slot($1, true, true)`, [
    `copying_${randomBytes(4).toString('hex')}`,
  ]);
  return {
    major,
    settings,
    async copyTo(copy) {
      await client.query(start);
      await copy(async () => (await client.query<{ labelfile: string }>(stop)).rows[0]?.labelfile ?? '');
    },
    waitForStreaming: (name) =>
      waitForRow(client, `SELECT FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming'`, [name]),
    end: () => client.end(),
  };
}

interface Copying {
  readonly account: ServerAccount | undefined;
  readonly name: string;
  /** Ends the backup; the text of backup_label. */
  readonly label: () => Promise<string>;
}

async function copyCluster(primary: TestPostgres, dataDir: string, { account, name, label }: Copying): Promise<void> {
  await copyDirectory(primary.dataDir, dataDir, account);
  const write = async (file: string, text: string): Promise<void> => {
    await writeFile(join(dataDir, file), text);
    await own(join(dataDir, file), account);
  };
  await write('backup_label', await label());
  await write('standby.signal', '');
  // initdb lets replication in from 127.0.0.1, with a password.
  const conninfo = `host=127.0.0.1 port=${primary.port} user=postgres password=postgres application_name=${name}`;
  await appendFile(join(dataDir, 'postgresql.auto.conf'), `primary_conninfo = '${conninfo}'\n`);
}

/** Files come and go while the server runs; the WAL since the backup's start makes up for that. */
async function copyDirectory(from: string, to: string, account: ServerAccount | undefined): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  await own(to, account);
  if (directoriesLeftEmpty.has(basename(from))) return;
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isSymbolicLink()) throw new Error(`expected a cluster without tablespaces, got: ${source}`);
    if (entry.isDirectory()) {
      await copyDirectory(source, target, account);
    } else if (!filesLeftOut.has(entry.name)) {
      await copyFile(source, target).then(() => own(target, account), ignoreVanished);
    }
  }
}

async function own(path: string, account: ServerAccount | undefined): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid);
}

function ignoreVanished(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

async function waitForRow(client: pg.Client, sql: string, parameters: readonly string[]): Promise<void> {
  await vi.waitFor(
    async () => {
      const { rowCount } = await client.query(sql, [...parameters]);
      if (rowCount === 0) throw new Error(`expected a row of ${sql} with ${parameters.join(', ')}`);
    },
    { timeout: 30_000, interval: 20 },
  );
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function toSetting(flag: string): [string, string] {
  const separator = flag.indexOf('=');
  if (separator < 1) throw new Error(`expected a flag like name=value, got: ${flag}`);
  return [flag.slice(0, separator), flag.slice(separator + 1)];
}
