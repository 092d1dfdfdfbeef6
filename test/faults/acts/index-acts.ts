import { type ActFixture, type ActSite, asOwner, indexesOf, namesAmiss, rowsOf } from './act-fixture.ts';

const table = (name: string): readonly string[] => [
  `DROP TABLE IF EXISTS ${name}`,
  `CREATE TABLE ${name} (id int PRIMARY KEY, a int, b int) WITH (autovacuum_enabled = off)`,
  `INSERT INTO ${name} SELECT n, n % 100, n FROM generate_series(1, 5000) n`,
];

/** The file of an index when it was prepared: a rebuilt one has another. */
const files = new Map<string, number>();
async function fileOf(site: ActSite, index: string): Promise<number> {
  const [row] = await rowsOf<{ file: number }>(site, 'SELECT pg_relation_filenode($1::regclass)::int AS file', [index]);
  return row?.file ?? 0;
}
async function notRebuilt(site: ActSite, index: string): Promise<readonly string[]> {
  return (await fileOf(site, index)) === files.get(index) ? [`${index} was not rebuilt`] : [];
}

const indexRebuild: ActFixture = {
  name: 'INDEX_REBUILD',
  type: 'INDEX_REBUILD',
  points: ['remnant.recorded'],
  async prepare(site) {
    await asOwner(site, ...table('rebuilt'), 'CREATE INDEX rebuilt_a ON rebuilt (a)');
    files.set('rebuilt_a', await fileOf(site, 'rebuilt_a'));
    return { indexes: ['rebuilt_a'], bloat_threshold: 0, min_size_mb: 0 };
  },
  amiss: async (site) => [
    ...(await notRebuilt(site, 'rebuilt_a')),
    ...(await namesAmiss(site, 'indexes', indexesOf('rebuilt'), ['rebuilt_pkey', 'rebuilt_a'])),
  ],
};

const indexOptimize: ActFixture = {
  name: 'INDEX_OPTIMIZE',
  type: 'INDEX_OPTIMIZE',
  points: ['rollback.prepared', 'remnant.recorded'],
  async prepare(site) {
    await asOwner(site, ...table('twins'), 'CREATE INDEX twin_1 ON twins (b)', 'CREATE INDEX twin_2 ON twins (b)');
    return { rebuild: false, drop_duplicate: true, require_rehearsal: false, watch_hours: 0 };
  },
  amiss: (site) => namesAmiss(site, 'indexes', indexesOf('twins'), ['twins_pkey', 'twin_1']),
  harmed: async (site) => {
    const left = await rowsOf<{ name: string }>(site, `${indexesOf('twins')} AND i.indisvalid`);
    return left.some(({ name }) => name === 'twin_1') ? [] : ['the twin that was to stay is gone'];
  },
};

const indexCreate: ActFixture = {
  name: 'INDEX_CREATE',
  type: 'INDEX_CREATE',
  points: ['rollback.prepared', 'remnant.recorded'],
  async prepare(site) {
    await asOwner(site, ...table('bare'));
    return { table: 'bare', columns: [{ name: 'a' }], name: 'bare_a' };
  },
  amiss: (site) => namesAmiss(site, 'indexes', indexesOf('bare'), ['bare_pkey', 'bare_a']),
};

const leftoverCleanup: ActFixture = {
  name: 'LEFTOVER_CLEANUP',
  type: 'LEFTOVER_CLEANUP',
  async prepare(site) {
    await asOwner(site, ...table('littered'));
    await asOwner(site, 'CREATE UNIQUE INDEX CONCURRENTLY littered_a ON littered (a)').catch(() => undefined);
    return { confirm_seconds: 0 };
  },
  amiss: (site) => namesAmiss(site, 'indexes', indexesOf('littered'), ['littered_pkey']),
};

const bloomFilterRebuild: ActFixture = {
  name: 'BLOOM_FILTER_REBUILD',
  type: 'BLOOM_FILTER_REBUILD',
  points: ['remnant.recorded'],
  async prepare(site) {
    await site.target.sql.query('CREATE EXTENSION IF NOT EXISTS bloom');
    await asOwner(site, ...table('signed'), 'CREATE INDEX signed_ab ON signed USING bloom (a, b)');
    files.set('signed_ab', await fileOf(site, 'signed_ab'));
    return { indexes: ['signed_ab'] };
  },
  amiss: async (site) => [
    ...(await notRebuilt(site, 'signed_ab')),
    ...(await namesAmiss(site, 'indexes', indexesOf('signed'), ['signed_pkey', 'signed_ab'])),
  ],
};

export const indexActs: readonly ActFixture[] = [
  indexRebuild,
  indexOptimize,
  indexCreate,
  leftoverCleanup,
  bloomFilterRebuild,
];
