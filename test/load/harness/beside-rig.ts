import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  type Act,
  type BesideSize,
  besideScripts,
  besideTables,
  holdsSparse,
  runAct,
} from '../../support/beside-acting.ts';
import { type QueuesSeen, watchQueues } from '../../support/lock-queue.ts';
import { type BenchScript, makeBenchTables, type Pgbench, startPgbench } from '../../support/pgbench.ts';
import { pgbenchProgram } from '../../support/pgbench-program.ts';
import { withDatabase } from '../../support/postgres.ts';
import type { BenchmarkRun } from './benchmark.ts';
import { waitUntil } from './wait-until.ts';

const clients = 8;
const holders = 2;
const databaseName = 'beside';

/** What pgbench met while an act, or nothing, went on. */
export interface Leg {
  /** Of the transactions that ended meanwhile. */
  readonly latenciesMs: readonly number[];
  readonly seconds: number;
  readonly queues: QueuesSeen;
  /** Runs of pgbench that did not end well, and transactions that failed. */
  readonly errors: number;
}

export interface LegOptions {
  /** Undefined = as many as the server takes. */
  readonly ratePerSecond?: number;
  readonly legMs: number;
}

/** A database of pgbench's tables and ours, and what can be measured on it. */
export interface BesideRig {
  /** pgbench alone, for `legMs`. */
  calm(options: LegOptions): Promise<Leg>;
  /** pgbench and an act, which is done again until `legMs` are over unless it has to be prepared. @throws Error when it did not do its work. */
  beside(act: Act, options: LegOptions): Promise<Leg>;
  /** Sessions of the database that were ended by somebody, or by an error, so far; and deadlocks. */
  endedByForce(): Promise<number>;
}

/** `scale` is pgbench's: 100 000 accounts each. @throws Error where there is no pgbench. */
export async function openBesideRig(
  { services, cleanUp }: BenchmarkRun,
  scale: number,
  size: BesideSize,
): Promise<BesideRig> {
  const program = pgbenchProgram();
  if ('missing' in program) throw new Error(program.missing);
  const url = withDatabase(services.postgresUrl, databaseName);
  const connect = async (to: string): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: to });
    await client.connect();
    cleanUp.defer(() => client.end());
    return client;
  };
  const admin = await connect(services.postgresUrl);
  await admin.query(`CREATE DATABASE ${databaseName}`);
  makeBenchTables(program.path, url, scale);
  const client = await connect(url);
  const onlooker = await connect(url);
  for (const name of ['pg_stat_statements', 'pgstattuple']) await client.query(`CREATE EXTENSION ${name}`);
  for (const statement of besideTables(size)) await client.query(statement);
  const { password } = new URL(url);
  const connection = new URL(url);
  connection.password = '';
  const target = {
    address: { kind: 'postgres', connection: connection.href, secretRef: 'env:TARGET_PASSWORD' },
    env: { TARGET_PASSWORD: password },
  } as const;
  const scripts = besideScripts(scale, size);

  const start = (load: { scripts: readonly BenchScript[]; clients: number; ratePerSecond?: number }): Pgbench => {
    const bench = startPgbench({ program: program.path, url, ...load });
    cleanUp.defer(() => bench.kill());
    return bench;
  };
  const sessionsAtWork = async (): Promise<number> => {
    const { rows } = await client.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'pgbench' AND query <> ''`,
    );
    return rows[0]?.n ?? 0;
  };

  const measure = async (
    work: () => Promise<void>,
    { ratePerSecond }: LegOptions,
    withHolders: boolean,
  ): Promise<Leg> => {
    // What was prepared is written by now, not while we measure.
    await client.query('CHECKPOINT');
    const rate = ratePerSecond === undefined ? {} : { ratePerSecond };
    const measured = start({ scripts, clients, ...rate });
    const others = withHolders ? [start({ scripts: [holdsSparse], clients: holders })] : [];
    const expected = clients + (withHolders ? holders : 0);
    await waitUntil('pgbench', async () => (await sessionsAtWork()) === expected);
    const watch = watchQueues(onlooker);
    const fromMs = Date.now();
    await work();
    const toMs = Date.now();
    const queues = await watch.stop();
    const [end, ...ends] = [await measured.stop(), ...(await Promise.all(others.map((other) => other.stop())))];
    const meanwhile = end.transactions.filter(({ endedAtMs }) => endedAtMs >= fromMs && endedAtMs <= toMs);
    return {
      latenciesMs: meanwhile.map(({ latencyMs }) => latencyMs),
      seconds: (toMs - fromMs) / 1_000,
      queues,
      errors: [end, ...ends].reduce((sum, { exitCode, failed }) => sum + (exitCode === 0 ? 0 : 1) + failed, 0),
    };
  };

  return {
    calm: (options) => measure(() => sleep(options.legMs), options, false),
    beside: async (act, options) => {
      for (const statement of act.prepare) await client.query(statement);
      const work = async (): Promise<void> => {
        const startedAtMs = Date.now();
        do {
          const { outcomes, skipped, unknown } = await runAct(target, act);
          const isDone = outcomes.length > 0 && outcomes.every(({ kind }) => kind === 'done');
          if (!isDone)
            throw new Error(`${act.name} did not do its work: ${JSON.stringify({ outcomes, skipped, unknown })}`);
        } while (act.prepare.length === 0 && Date.now() - startedAtMs < options.legMs);
      };
      return await measure(work, options, act.meetsHolders === true);
    },
    endedByForce: async () => {
      const { rows } = await client.query<{ n: number }>(
        'SELECT (sessions_killed + sessions_fatal + deadlocks)::int AS n FROM pg_stat_database WHERE datname = current_database()',
      );
      return rows[0]?.n ?? 0;
    },
  };
}
