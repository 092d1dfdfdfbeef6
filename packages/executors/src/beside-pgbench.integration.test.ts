import type { StepOutcome } from '@slacktide/application/ports';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type BesideSize,
  besideActs,
  besideScripts,
  besideTables,
  holdsSparse,
  runAct,
} from '../../../test/support/beside-acting.ts';
import { watchQueues } from '../../../test/support/lock-queue.ts';
import { makeBenchTables, startPgbench } from '../../../test/support/pgbench.ts';
import { pgbenchProgram } from '../../../test/support/pgbench-program.ts';
import type { PostgresMajor } from '../../../test/support/postgres.ts';
import { type FreshTarget, freshTarget } from '../../../test/support/target.ts';

const size: BesideSize = { tailRows: 50_000, sparseRows: 8_000, partitions: 2, visits: 20_000 };
const clients = 4;
/** Far below what a slow machine manages: what it cannot keep up with would only wait for itself. */
const ratePerSecond = 200;

/** The longest attempt at a lock that others may queue behind. */
const longestAttemptMs = 1_000;
/** When the watchdog has a statement of ours give way, and how often it looks. */
const watchdogMs = 10_000 + 500;

async function setup(major: PostgresMajor, path: string) {
  const target = await freshTarget(major);
  await target.admin.query('CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pgstattuple');
  await target.admin.query(`GRANT pg_stat_scan_tables, pg_read_all_stats TO ${target.role}`);
  makeBenchTables(path, target.url, 1);
  const acts = besideActs(size);
  for (const statement of [...besideTables(size), ...acts.flatMap(({ prepare }) => prepare)]) {
    await target.owner.query(statement);
  }
  const load = { program: path, url: target.url };
  const runs = [
    startPgbench({ ...load, scripts: besideScripts(1, size), clients, ratePerSecond }),
    startPgbench({ ...load, scripts: [holdsSparse], clients: 2 }),
  ];
  onTestFinished(() => {
    for (const run of runs) run.kill();
  });
  await expect.poll(() => sessionsAtWork(target), { interval: 20 }).toBe(clients + 2);
  return { target, acts, runs };
}

async function sessionsAtWork({ admin }: FreshTarget): Promise<number> {
  const { rows } = await admin.query(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'pgbench' AND datname = current_database() AND query <> ''`,
  );
  return rows[0].n;
}

/** Of the database: what ended otherwise than a client wanted. */
async function endedByForce({ admin }: FreshTarget): Promise<unknown> {
  const { rows } = await admin.query(
    `SELECT sessions_killed::int AS killed, sessions_fatal::int AS fatal, deadlocks::int FROM pg_stat_database WHERE datname = current_database()`,
  );
  return rows[0];
}

interface Shape {
  readonly accountsFile: number;
  readonly sparseFile: number;
  readonly tailBytes: number;
  readonly indexes: readonly string[];
  readonly partitions: number;
  readonly expiredVisits: number;
}

async function shapeOf({ owner }: FreshTarget): Promise<Shape> {
  const { rows } = await owner.query<Shape>(`
    SELECT pg_relation_filenode('pgbench_accounts_pkey')::int AS "accountsFile", pg_relation_filenode('sparse')::int AS "sparseFile",
      pg_table_size('tail')::int AS "tailBytes", (SELECT count(*)::int FROM pg_inherits WHERE inhparent = 'events'::regclass) AS partitions,
      (SELECT count(*)::int FROM visits WHERE at < now() - interval '1 year') AS "expiredVisits",
      ARRAY(SELECT relname::text || CASE WHEN indisvalid THEN '' ELSE ' invalid' END FROM pg_index JOIN pg_class ON oid = indexrelid
        WHERE indrelid = 'pgbench_accounts'::regclass ORDER BY 1) AS indexes`);
  const [shape] = rows;
  if (shape === undefined) throw new Error('expected a row');
  return shape;
}

describe.each([14, 18] as const)('acting beside pgbench on PostgreSQL %i', (major) => {
  it('ends and fails none of its sessions, and keeps none of them waiting longer than allowed', async (ctx) => {
    const program = pgbenchProgram();
    if ('missing' in program) return ctx.skip(program.missing);
    const { target, acts, runs } = await setup(major, program.path);
    const before = await shapeOf(target);
    expect(before.indexes).toHaveLength(3);
    const queues = watchQueues(await target.connect('admin'));
    const outcomes: [string, readonly StepOutcome[]][] = [];
    for (const act of acts) outcomes.push([act.name, (await runAct(target, act)).outcomes]);
    const seen = await queues.stop();
    const ended = await Promise.all(runs.map((run) => run.stop()));

    for (const [name, of] of outcomes) {
      expect(of.length, name).toBeGreaterThan(0);
      for (const outcome of of) expect(outcome, `${name}: ${JSON.stringify(outcome)}`).toMatchObject({ kind: 'done' });
    }
    const after = await shapeOf(target);
    expect(after).toMatchObject({
      indexes: ['accounts_branch', 'pgbench_accounts_pkey'],
      partitions: 1,
      expiredVisits: 0,
    });
    expect(after.accountsFile).not.toBe(before.accountsFile);
    expect(after.sparseFile).not.toBe(before.sparseFile);
    expect(after.tailBytes).toBeLessThan(before.tailBytes / 2);

    for (const { exitCode, failed, transactions, said } of ended) {
      expect(exitCode, said).toBe(0);
      expect(failed, said).toBe(0);
      expect(transactions.length).toBeGreaterThan(0);
    }
    expect(await endedByForce(target)).toEqual({ killed: 0, fatal: 0, deadlocks: 0 });
    expect(seen.looks).toBeGreaterThan(0);
    expect(seen.asking.longestMs, JSON.stringify(seen.asking.wait)).toBeLessThanOrEqual(longestAttemptMs);
    expect(seen.holding.longestMs, JSON.stringify(seen.holding.wait)).toBeLessThanOrEqual(watchdogMs);
  });
});
