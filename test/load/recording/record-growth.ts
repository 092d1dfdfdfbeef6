import type pg from 'pg';
import type { Growth, Series } from '../../../packages/learning/test/recordings/recording.ts';
import { loadedDice } from './dice.ts';

const steps = 48;
const rewriteStep = 20;
const tables = { steady: 24, wandering: 24 };
/** A page takes 18 of the rows below, whatever is in them: 28 bytes of header and length, 404 of data, 4 of line pointer, in 8 192 less 24. */
const rowsPerPage = 18;
const pageBytes = 8_192;
const xidsPerStep = 400;
const numbersPerStep = 1_700;
const lastNumber = 100_000;

/** A series under way. */
interface Recorded {
  readonly series: Omit<Series, 'readings'>;
  readonly readings: { value: number; filenode: number | null }[];
  /** Does the work of a step, then reads. */
  step(at: number): Promise<{ value: number; filenode: number | null }>;
}

/** Each step of all series, one after the other. */
export async function recordGrowth(client: pg.Client): Promise<readonly Series[]> {
  const all: Recorded[] = [
    ...(await growingTables(client, 'steady')),
    ...(await growingTables(client, 'wandering')),
    await updatedIndex(client),
    await rewrittenTable(client),
    await countedSequence(client),
    // The last, since all that the others do takes transaction ids.
    await burntIds(client),
  ];
  for (let at = 0; at < steps; at += 1) for (const one of all) one.readings.push(await one.step(at));
  return all.map(({ series, readings }) => ({ ...series, readings }));
}

async function growingTables(client: pg.Client, growth: Exclude<Growth, 'curved'>): Promise<Recorded[]> {
  const recorded: Recorded[] = [];
  for (let table = 0; table < tables[growth]; table += 1) {
    const name = `${growth}_${table}`;
    const mean = 60 + 12 * table;
    const dice = loadedDice(growth === 'steady' ? 7 + table : 1_007 + table);
    await client.query(`CREATE TABLE ${name} (payload text)`);
    let inserted = 0;
    recorded.push({
      series: {
        name,
        gauge: 'size_bytes',
        growth,
        truePerStep: (mean / rowsPerPage) * pageBytes,
        rewrittenAtStep: null,
      },
      readings: [],
      step: async (at) => {
        // Of its mean, half as much to half as much again.
        const thrown = mean * (0.5 + dice());
        const wanted = growth === 'steady' ? mean * at + thrown - inserted : thrown;
        const rows = Math.max(0, Math.round(wanted));
        await client.query(`INSERT INTO ${name} SELECT repeat('x', 400) FROM generate_series(1, $1)`, [rows]);
        inserted += rows;
        return await sizeOf(client, name);
      },
    });
  }
  return recorded;
}

/** Random updates of an indexed column leave pages half empty: waste grows fast, then ever more slowly, and a rebuild takes it away. */
async function updatedIndex(client: pg.Client): Promise<Recorded> {
  await client.query('CREATE TABLE updated (id int PRIMARY KEY, n int)');
  await client.query('INSERT INTO updated SELECT id, id FROM generate_series(1, 40000) id');
  await client.query('CREATE INDEX updated_n ON updated (n)');
  return {
    series: {
      name: 'updated_n',
      gauge: 'waste_percent',
      growth: 'curved',
      truePerStep: null,
      rewrittenAtStep: rewriteStep,
    },
    readings: [],
    step: async (at) => {
      if (at === rewriteStep) await client.query('REINDEX INDEX updated_n');
      await client.query('UPDATE updated SET n = (hashint8(n + $1) & 1048575) WHERE id % 50 = $1 % 50', [at]);
      await client.query('VACUUM updated');
      const { rows } = await client.query(
        `SELECT 100 * (1 - i.leaf_pages * i.avg_leaf_density / 90 / (i.leaf_pages + i.empty_pages + i.deleted_pages)) AS value,
          pg_relation_filenode('updated_n')::int AS filenode FROM pgstatindex('updated_n') AS i`,
      );
      return { value: Number(Number(rows[0].value).toPrecision(8)), filenode: rows[0].filenode };
    },
  };
}

/** A third of what is inserted goes again, and stays as dead rows until the table is rewritten. */
async function rewrittenTable(client: pg.Client): Promise<Recorded> {
  await client.query('CREATE TABLE rewritten (step int, payload text)');
  return {
    series: {
      name: 'rewritten',
      gauge: 'size_bytes',
      growth: 'steady',
      truePerStep: (270 / rowsPerPage) * pageBytes,
      rewrittenAtStep: rewriteStep,
    },
    readings: [],
    step: async (at) => {
      if (at === rewriteStep) await client.query('VACUUM FULL rewritten');
      await client.query(`INSERT INTO rewritten SELECT $1, repeat('x', 400) FROM generate_series(1, 270)`, [at]);
      await client.query('DELETE FROM rewritten WHERE step = $1 AND ctid::text LIKE $2', [at, '%,_)']);
      return await sizeOf(client, 'rewritten');
    },
  };
}

async function countedSequence(client: pg.Client): Promise<Recorded> {
  await client.query(`CREATE SEQUENCE counted MAXVALUE ${lastNumber}`);
  return {
    series: {
      name: 'counted',
      gauge: 'used_percent',
      growth: 'steady',
      truePerStep: (100 * numbersPerStep) / lastNumber,
      rewrittenAtStep: null,
    },
    readings: [],
    step: async () => {
      const { rows } = await client.query(
        `SELECT max(100.0 * n / ${lastNumber})::float8 AS value FROM (SELECT nextval('counted') AS n FROM generate_series(1, ${numbersPerStep})) AS taken`,
      );
      return { value: rows[0].value, filenode: null };
    },
  };
}

/** As many as make each step end at the same distance from the last; frozen once. */
async function burntIds(client: pg.Client): Promise<Recorded> {
  await client.query(`CREATE PROCEDURE burn(upto bigint) LANGUAGE plpgsql AS $$
    BEGIN WHILE pg_current_xact_id()::text::bigint < upto LOOP COMMIT; END LOOP; END $$`);
  const { rows } = await client.query('SELECT pg_current_xact_id()::text::bigint::float8 AS id');
  const first = Number(rows[0].id);
  return {
    series: {
      name: 'xid_age',
      gauge: 'xid_age',
      growth: 'steady',
      truePerStep: xidsPerStep,
      rewrittenAtStep: rewriteStep,
    },
    readings: [],
    step: async (at) => {
      await client.query('CALL burn($1)', [first + xidsPerStep * (at + 1)]);
      if (at === rewriteStep) await client.query('VACUUM (FREEZE)');
      const { rows: ages } = await client.query(
        'SELECT age(datfrozenxid) AS value FROM pg_database WHERE datname = current_database()',
      );
      return { value: ages[0].value, filenode: null };
    },
  };
}

async function sizeOf(client: pg.Client, table: string): Promise<{ value: number; filenode: number }> {
  const { rows } = await client.query(
    'SELECT pg_relation_size($1::regclass)::float8 AS value, pg_relation_filenode($1::regclass)::int AS filenode',
    [table],
  );
  return rows[0];
}
