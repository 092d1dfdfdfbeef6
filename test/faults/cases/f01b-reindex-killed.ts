import assert from 'node:assert/strict';
import pg from 'pg';
import type { FaultCase, Trial } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { type Rig, startRig, type Work } from '../harness/rig.ts';
import { until } from '../harness/until.ts';

const targetSql = `
  CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz NOT NULL) WITH (autovacuum_enabled = off);
  INSERT INTO orders SELECT i, now() - make_interval(secs => i) FROM generate_series(1, 50000) i;
  CREATE INDEX orders_placed_at ON orders (placed_at);
  CREATE TABLE foreign_work (id int);
`;

/** F1, on the real thing: a worker dies in the middle of REINDEX CONCURRENTLY, which leaves an invalid copy of the index behind. */
export const faultCase: FaultCase = {
  promise: 'a REINDEX cut short is swept, by proof that the remnant is ours, and done again; what is not ours stays',
  async run(trial) {
    await using rig = await startRig(trial, { targetSql });
    const { sql } = rig.target();
    await makeForeignRemnant(rig);
    const work = {
      tasks: [{ type: 'INDEX_REBUILD', config: { tables: ['orders'], bloat_threshold: 0, min_size_mb: 0 } }],
    };
    await dieBeforeActing(trial, rig, work);
    // Time to get in its way between its look at the target and its statement.
    await Promise.all(rig.workers.map((worker) => worker.arm('remnant.recorded:sleep(2000)')));
    const id = await rig.submit(work);
    const left = await dieMidReindex(rig);
    trial.log(`invalid after the kill: ${left.join(', ')}`);
    assert.ok(
      left.some((name) => /^orders_\w+_ccnew$/.test(name)),
      `expected a copy of ours among ${left.join(', ')}`,
    );
    const [end] = await rig.settled([id]);
    assert.equal(end?.state, 'SUCCEEDED', JSON.stringify(end));
    assert.deepEqual(await invalidIndexes(rig), ['foreign_work_ccnew'], 'only the index that is not ours is left');
    const { rows } = await sql.query(`SELECT indexname FROM pg_indexes WHERE tablename = 'orders' ORDER BY 1`);
    assert.deepEqual(
      rows.map(({ indexname }) => indexname),
      ['orders_pkey', 'orders_placed_at'],
    );
    await checkInvariants(rig);
  },
};

/** Dead between the record of what may be left behind and the statement that would leave it. */
async function dieBeforeActing(trial: Trial, rig: Rig, work: Work): Promise<void> {
  const lives = rig.workers.map((worker) => worker.lives);
  await Promise.all(rig.workers.map((worker) => worker.arm('remnant.recorded:kill')));
  const id = await rig.submit(work);
  await until('a worker to die', () => rig.workers.some((worker, index) => worker.lives > (lives[index] ?? 0)));
  await Promise.all(rig.workers.map((worker) => worker.ready().then(() => worker.arm(''))));
  const [end] = await rig.settled([id]);
  trial.log(`died with the remnant recorded: ${end?.state}`);
  assert.equal(end?.state, 'SUCCEEDED', JSON.stringify(end));
  const open = await rig.ledger`SELECT * FROM remnants WHERE closed_at IS NULL`;
  assert.deepEqual([...open], [], 'the record of what was never left behind is closed');
}

/** Lets the REINDEX build its copy, holds it there by an older snapshot, and kills both workers. Gives the invalid indexes that are left. */
async function dieMidReindex(rig: Rig): Promise<readonly string[]> {
  await until('a remnant to be recorded', async () => {
    const open = await rig.ledger`SELECT FROM remnants WHERE closed_at IS NULL`;
    return open.length > 0;
  });
  const holder = new pg.Client({ connectionString: rig.target().url });
  await holder.connect();
  try {
    await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM orders');
    await until('an invalid copy of our index', async () => (await invalidIndexes(rig)).length > 1);
    await Promise.all(rig.workers.map((worker) => worker.kill()));
    return await invalidIndexes(rig);
  } finally {
    await holder.end();
  }
}

async function invalidIndexes(rig: Rig): Promise<readonly string[]> {
  const { rows } = await rig
    .target()
    .sql.query<{ name: string }>(
      'SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid ORDER BY 1',
    );
  return rows.map(({ name }) => name);
}

/** An invalid index of somebody else, named as if it were a remnant of ours. */
async function makeForeignRemnant(rig: Rig): Promise<void> {
  const { sql } = rig.target();
  await sql.query('INSERT INTO foreign_work VALUES (1), (1)');
  await sql.query('CREATE UNIQUE INDEX CONCURRENTLY foreign_work_ccnew ON foreign_work (id)').catch(() => undefined);
  assert.deepEqual(await invalidIndexes(rig), ['foreign_work_ccnew']);
}
