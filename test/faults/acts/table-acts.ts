import { type ActFixture, type ActSite, asOwner, namesAmiss, rowsOf } from './act-fixture.ts';

const table = (name: string, rows = 5_000): readonly string[] => [
  `DROP TABLE IF EXISTS ${name}`,
  `CREATE TABLE ${name} (id int PRIMARY KEY, note text) WITH (autovacuum_enabled = off)`,
  `INSERT INTO ${name} SELECT n, repeat('x', 60) FROM generate_series(1, ${rows}) n`,
];

/** @param what e.g. `vacuum_count` */
async function notCounted(site: ActSite, name: string, what: string): Promise<readonly string[]> {
  const [row] = await rowsOf<{ done: boolean }>(
    site,
    `SELECT ${what} > 0 AS done FROM pg_stat_all_tables WHERE relid = $1::regclass`,
    [name],
  );
  return row?.done === true ? [] : [`${what} of ${name} is 0`];
}

const statisticsUpdate: ActFixture = {
  name: 'STATISTICS_UPDATE',
  type: 'STATISTICS_UPDATE',
  async prepare(site) {
    await asOwner(site, ...table('measured'));
    return { tables: ['measured'] };
  },
  amiss: (site) => notCounted(site, 'measured', 'analyze_count'),
};

const mvccCleanup: ActFixture = {
  name: 'MVCC_CLEANUP',
  type: 'MVCC_CLEANUP',
  async prepare(site) {
    await asOwner(site, ...table('dying'), 'DELETE FROM dying WHERE id % 2 = 0');
    return { tables: ['dying'] };
  },
  amiss: (site) => notCounted(site, 'dying', 'vacuum_count'),
};

const full = new Map<string, number>();
const storageCompaction: ActFixture = {
  name: 'STORAGE_COMPACTION',
  type: 'STORAGE_COMPACTION',
  async prepare(site) {
    await asOwner(site, ...table('hollow'), 'DELETE FROM hollow WHERE id % 10 > 0');
    full.set('hollow', await sizeOf(site, 'hollow'));
    return { tables: ['hollow'], method: 'vacuum_full', allow_full: true };
  },
  async amiss(site) {
    const size = await sizeOf(site, 'hollow');
    const [row] = await rowsOf<{ rows: number }>(site, 'SELECT count(*)::int AS rows FROM hollow');
    return [
      ...(size < (full.get('hollow') ?? 0) / 2 ? [] : [`hollow still has ${size} bytes`]),
      ...(row?.rows === 500 ? [] : [`hollow has ${row?.rows} rows, not 500`]),
    ];
  },
};
async function sizeOf(site: ActSite, name: string): Promise<number> {
  const [row] = await rowsOf<{ size: number }>(site, 'SELECT pg_table_size($1::regclass)::int AS size', [name]);
  return row?.size ?? 0;
}

const cacheWarm: ActFixture = {
  name: 'CACHE_WARM',
  type: 'CACHE_WARM',
  points: ['unit.over'],
  async prepare(site) {
    await site.target.sql.query('CREATE EXTENSION IF NOT EXISTS pg_prewarm');
    await site.target.sql.query('CREATE EXTENSION IF NOT EXISTS pg_buffercache');
    // More than one chunk.
    await asOwner(site, ...table('cold', 30_000));
    const own = `relfilenode = pg_relation_filenode('cold')`;
    await site.target.sql.query(`SELECT pg_buffercache_evict(bufferid) FROM pg_buffercache WHERE ${own}`);
    return { tables: ['cold'], cached_percent: 100, chunk_mb: 1 };
  },
  amiss: (site) =>
    namesAmiss(
      site,
      'blocks not in the cache',
      `SELECT 'some' AS name WHERE pg_relation_size('cold') / 8192 > (SELECT count(*) FROM pg_buffercache
         WHERE relfilenode = pg_relation_filenode('cold') AND relforknumber = 0)`,
      [],
    ),
};

const schemaValidation: ActFixture = {
  name: 'SCHEMA_VALIDATION',
  type: 'SCHEMA_VALIDATION',
  points: ['step.before@2', 'step.after@2'],
  async prepare(site) {
    const constraint = 'ADD CONSTRAINT trusted_id CHECK (id > 0) NOT VALID';
    await asOwner(site, ...table('trusted'), `ALTER TABLE trusted ${constraint}`);
    return { validate_constraints: true };
  },
  amiss: (site) =>
    namesAmiss(site, 'not valid', 'SELECT conname::text AS name FROM pg_constraint WHERE NOT convalidated', []),
};

export const tableActs: readonly ActFixture[] = [
  statisticsUpdate,
  mvccCleanup,
  storageCompaction,
  cacheWarm,
  schemaValidation,
];
