import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import pg from 'pg';
import { maintainer } from '../harness/servers.ts';
import { type ActFixture, type ActSite, asOwner, rowsOf } from './act-fixture.ts';

/** Where the server's log stood when the work was prepared: work that was done has moved on. */
const places = new Map<string, string>();
const checkpointSql = 'SELECT checkpoint_lsn::text AS place FROM pg_control_checkpoint()';
const archivedSql = `SELECT coalesce(last_archived_wal, '') AS place FROM pg_stat_archiver`;

async function readPlace(site: ActSite, sql: string): Promise<string> {
  const [row] = await rowsOf<{ place: string }>(site, sql);
  return row?.place ?? '';
}

async function notMovedOn(site: ActSite, sql: string, what: string): Promise<readonly string[]> {
  return (await readPlace(site, sql)) === places.get(site.target.id) ? [what] : [];
}

const checkpoint: ActFixture = {
  name: 'CHECKPOINT',
  type: 'CHECKPOINT',
  async prepare(site) {
    places.set(site.target.id, await readPlace(site, checkpointSql));
    return { force: true };
  },
  amiss: (site) => notMovedOn(site, checkpointSql, 'there was no checkpoint'),
};

const walArchivingProbe: ActFixture = {
  name: 'WAL_ARCHIVING_PROBE',
  type: 'WAL_ARCHIVING_PROBE',
  async prepare(site) {
    await site.target.sql.query(`GRANT EXECUTE ON FUNCTION pg_switch_wal() TO ${maintainer}`);
    places.set(site.target.id, await readPlace(site, archivedSql));
    return {};
  },
  amiss: (site) => notMovedOn(site, archivedSql, 'no segment was archived'),
};

/** Sessions of somebody else: one that forgot its transaction, and one that did nothing. */
const sessions = new Map<string, { readonly idle: pg.Client; readonly innocent: pg.Client }>();
const guest = 'guest';
const isThere = async (site: ActSite, application: string): Promise<boolean> =>
  (await rowsOf(site, 'SELECT FROM pg_stat_activity WHERE application_name = $1', [application])).length > 0;

const sessionCleanup: ActFixture = {
  name: 'SESSION_CLEANUP',
  type: 'SESSION_CLEANUP',
  async prepare(site) {
    await site.target.sql.query(
      `DO $$ BEGIN CREATE ROLE ${guest} LOGIN PASSWORD '${guest}'; EXCEPTION WHEN duplicate_object THEN END $$`,
    );
    const open = async (application_name: string): Promise<pg.Client> => {
      const url = new URL(site.target.url);
      url.username = url.password = guest;
      const client = new pg.Client({ connectionString: url.href, application_name });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    };
    await endSessions(site.target.id);
    const [idle, innocent] = [await open('forgetful'), await open('innocent')];
    sessions.set(site.target.id, { idle, innocent });
    await idle.query('BEGIN');
    await idle.query('SELECT 1');
    return { stale_locks: false, idle_in_transaction_seconds: 0 };
  },
  amiss: async (site) => ((await isThere(site, 'forgetful')) ? ['the idle transaction is still there'] : []),
  harmed: async (site) => ((await isThere(site, 'innocent')) ? [] : ['a session was ended that did nothing']),
};

/** Ends what `prepare` opened. */
export async function endSessions(targetId: string): Promise<void> {
  const open = sessions.get(targetId);
  sessions.delete(targetId);
  await Promise.all([open?.idle.end().catch(() => undefined), open?.innocent.end().catch(() => undefined)]);
}

const logs = ['a.log', 'b.log', 'c.log'];
const logRotation: ActFixture = {
  name: 'LOG_ROTATION',
  type: 'LOG_ROTATION',
  points: ['remnant.recorded', 'step.after@2'],
  async prepare({ folder }) {
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    for (const name of [...logs, 'now.log']) writeFileSync(join(folder, name), `${name}\n`.repeat(10_000));
    const old = Date.now() / 1000 - 40 * 86_400;
    for (const name of logs) utimesSync(join(folder, name), old, old);
    return { rules: [{ root: folder }] };
  },
  async amiss({ folder }) {
    const found = readdirSync(folder).toSorted().join();
    const wanted = [...logs.map((name) => `${name}.zst`), 'now.log'].join();
    return found === wanted ? [] : [`files: expected ${wanted}, found ${found}`];
  },
  /** Whatever became of it: each log is there whole, in one form or the other. */
  async harmed({ folder }) {
    const found = new Set(readdirSync(folder));
    const contentOf = (name: string): string =>
      found.has(name)
        ? readFileSync(join(folder, name)).toString()
        : zstdDecompressSync(readFileSync(join(folder, `${name}.zst`))).toString();
    return logs.filter((name) => contentOf(name) !== `${name}\n`.repeat(10_000)).map((name) => `${name} is not whole`);
  },
};

/** Registered once for each ledger. */
const template = {
  name: 'count-up',
  description: 'Adds one: whoever does it twice is caught',
  statements: ['UPDATE public.counter SET n = n + 1 WHERE id = 1'],
  parameters: [],
  access: 'act',
  class: 'never_retry',
  lock_mode: 'ROW EXCLUSIVE',
};
const countOf = async (site: ActSite): Promise<number | undefined> =>
  (await rowsOf<{ n: number }>(site, 'SELECT n FROM counter'))[0]?.n;

const custom: ActFixture = {
  name: 'CUSTOM',
  type: 'CUSTOM',
  async prepare(site) {
    const { rig } = site;
    // The key makes one registration of many.
    await rig.client.accept('POST', '/custom-templates', { body: template, key: template.name });
    await asOwner(
      site,
      'DROP TABLE IF EXISTS counter',
      'CREATE TABLE counter (id int PRIMARY KEY, n int)',
      'INSERT INTO counter VALUES (1, 0)',
    );
    return { template: template.name, version: 1 };
  },
  amiss: async (site) => ((await countOf(site)) === 1 ? [] : [`counted to ${await countOf(site)}, not to 1`]),
  harmed: async (site) => (((await countOf(site)) ?? 9) > 1 ? ['it was done twice'] : []),
};

export const serverActs: readonly ActFixture[] = [checkpoint, walArchivingProbe, sessionCleanup, logRotation, custom];
