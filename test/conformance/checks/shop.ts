import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checks } from '@slacktide/checks';
import type { CheckName, CheckReport, FoundFinding, JsonObject } from '@slacktide/domain';
import pg from 'pg';
import { expect, inject, vi } from 'vitest';
import { type CheckRig, openCheckRig } from '../../../packages/checks/test/check-rig.ts';
import { createDatabase, type PostgresMajor } from '../../support/postgres.ts';

/** A database with the fixture, and roles that may see less and less. */
export interface Shop {
  readonly major: PostgresMajor;
  readonly rig: CheckRig;
  readonly serverUrl: string;
  /** Roles of the shop are named `<name>_owner` and so on. */
  readonly name: string;
  readonly monitor: string;
  readonly nobody: string;
  close(): Promise<void>;
}

export type Reports = ReadonlyMap<CheckName, CheckReport>;

/** Rules apply to small tables too, and nothing has to be seen for long. */
const configs: Readonly<Partial<Record<CheckName, JsonObject>>> = {
  integrity: { max_read_mb: 4096, max_relations: 100_000, heap_check: true },
  invalid_index: { confirm_seconds: 0 },
  orphaned_index: { confirm_seconds: 0 },
  stale_advisory_lock: { stale_after_seconds: 0 },
  stale_operation: { idle_in_transaction_seconds: 0 },
  unused_index: { days_unused: 0, min_size_mb: 0 },
  missing_fk_index: { min_rows: 0 },
  index_bloat: { min_size_mb: 0.1, bloat_threshold: 45, rebuild_threshold: 45 },
  table_bloat: { min_size_mb: 0.1 },
  stale_statistics: { min_table_size_mb: 0, max_tables: 1000 },
};

export async function openShop(major: PostgresMajor): Promise<Shop> {
  const serverUrl = inject('targetUrls')[major];
  const database = await createDatabase(serverUrl);
  const [owner, monitor, nobody] = [`${database.name}_owner`, `${database.name}_monitor`, `${database.name}_nobody`];
  await asAdmin(
    serverUrl,
    `CREATE ROLE ${owner}; CREATE ROLE ${monitor} LOGIN PASSWORD 'postgres' IN ROLE pg_monitor; CREATE ROLE ${nobody} LOGIN PASSWORD 'postgres'`,
  );
  const rig = await openCheckRig(database);
  const script = await readFile(join(import.meta.dirname, 'fixture.sql'), 'utf8');
  for (const session of script.replaceAll(':owner', owner).split(/^-- ----.*$/m)) await rig.sql(session);
  // On 14 counters take a moment to arrive.
  await vi.waitFor(
    async () =>
      expect(
        await rig.sql(`SELECT idx_scan::int AS scans FROM pg_stat_user_indexes
          WHERE indexrelname IN ('moves_sku', 'moves_day') ORDER BY indexrelname`),
      ).toEqual([{ scans: 3 }, { scans: 12 }]),
    { timeout: 20_000 },
  );
  const forgotten = await rig.connect({ applicationName: 'forgotten' });
  await forgotten.query('BEGIN');
  await forgotten.query('SELECT pg_advisory_lock(4711)');
  return {
    major,
    rig,
    serverUrl,
    name: database.name,
    monitor,
    nobody,
    async close() {
      await rig[Symbol.asyncDispose]();
      await asAdmin(serverUrl, `DROP ROLE ${owner}, ${monitor}, ${nobody}`);
    },
  };
}

/** Runs every check there is, as a worker would: one after the other. */
export async function runAll({ rig }: Shop, as?: string): Promise<Reports> {
  const reports = new Map<CheckName, CheckReport>();
  for (const { type } of checks) reports.set(type.name, await runOne(rig, type.name, as));
  return reports;
}

export async function runOne(rig: CheckRig, name: CheckName, as?: string): Promise<CheckReport> {
  const check = checks.find(({ type }) => type.name === name);
  if (check === undefined) throw new Error(`expected a check of the registry, got: ${name}`);
  const options = { mayName: relationsIn, ...(as === undefined ? {} : { as }) };
  return await rig.run(check, configs[name] ?? {}, options).catch((cause: unknown) => {
    throw new Error(`${name} rejects as ${as ?? 'superuser'}`, { cause });
  });
}

/**
 * Of what is found, what the fixture decides: `<severity> <fingerprint>`, sorted, by check. Left out is what the server shares with other tests (roles
 * and pg_hba.conf, slots and standbys, settings, checkpoints), and catalogues, whose indexes are others on each version.
 */
export function foundIn(shop: Shop, reports: Reports): Record<string, string[]> {
  return Object.fromEntries(
    [...reports].flatMap(([name, { findings }]) => {
      const own = findings.filter((finding) => isOwn(shop, name, finding));
      const told = own.map(({ severity, object, fingerprint }) => {
        // Of the sessions only one is forgotten; which it is on the server is another number each time.
        const what = object.kind === 'session' ? 'the forgotten session' : fingerprint.replaceAll(shop.name, 'shop');
        return `${severity} ${what}`;
      });
      return told.length === 0 ? [] : [[name, told.toSorted()]];
    }),
  );
}

/** These judge what the server shares with other tests, or what depends on how fast it is: statements of ours may be slow ones. */
const ofTheServer: readonly CheckName[] = [
  'replication',
  'wal_archiving',
  'checkpoint_pressure',
  'slow_query_pattern',
  'disk_space',
];

/** Made by the fixture, and by nothing else. */
export function isOwn(shop: Shop, check: CheckName, { object }: FoundFinding): boolean {
  if (ofTheServer.includes(check)) return false;
  if (check === 'stale_operation') return object.kind === 'session';
  if (object.schema === 'pg_catalog' || object.schema === 'pg_toast') return false;
  if (object.kind === 'role') return object.name.startsWith(shop.name);
  return !(check === 'security' && (object.kind === 'hba_rule' || object.kind === 'setting'));
}

/** What a finding may name is for the tests of its check to say. */
function relationsIn({ action }: FoundFinding): string[] {
  const statements = [...(action?.sql ?? []), ...(action?.rollbackSql ?? [])];
  const part = '("(?:[^"]|"")+"|[\\w$]+)';
  const unquoted = (name: string): string => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name);
  return statements.flatMap((statement) =>
    [...statement.matchAll(new RegExp(`${part}\\.${part}`, 'g'))].map(
      ([, schema = '', name = '']) => `${unquoted(schema)}.${unquoted(name)}`,
    ),
  );
}

async function asAdmin(url: string, statements: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statements);
  } finally {
    await client.end();
  }
}
