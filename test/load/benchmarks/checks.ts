import type { CheckMemory, TargetReader } from '@slacktide/application/ports';
import { type Check, checks } from '@slacktide/checks';
import { createPostgresGateway } from '@slacktide/targets';
import pg from 'pg';
import { type Benchmark, type BenchmarkResult, type BenchmarkRun, type Row, single } from '../harness/benchmark.ts';
import { calibrate } from '../harness/calibrate.ts';
import { makeWideDatabase } from '../harness/wide-database.ts';

/** All checks may take so long. */
const wantedSeconds = 60;
const lookAtLocksEveryMs = 20;

interface Timed {
  readonly name: string;
  readonly seconds: number;
  readonly findings: number;
  readonly slowest: { readonly seconds: number; readonly sql: string };
}

/** Every check on a database of 5 000 tables and 20 000 indexes: how long each takes, its slowest statement, and the strongest lock of all. */
export const benchmark: Benchmark = {
  title: 'Checks on a wide database',
  postgresSettings: {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_locks_per_transaction: '1024',
  },
  async run(run): Promise<BenchmarkResult> {
    const calibrationMs = [calibrate()];
    const { url, tables, indexes } = await makeWideDatabase(run.services.postgresUrl, run.quick ? 50 : 5_000);
    const watch = await watchLocks(run, url);
    const timed: Timed[] = [];
    for (const check of checks) timed.push(await time(check, url));
    const locks = await watch.stop();
    const total = timed.reduce((sum, { seconds }) => sum + seconds, 0);
    const slowest = timed.toSorted((a, b) => b.slowest.seconds - a.slowest.seconds)[0];
    return {
      rows: [
        {
          goal: 'G21',
          what: `all ${timed.length} checks, ${tables} tables, ${indexes} indexes`,
          unit: 's',
          product: single(total),
          wanted: `≤ ${wantedSeconds} s, no lock above ACCESS SHARE`,
          met: total <= wantedSeconds && locks.every((mode) => mode === 'AccessShareLock'),
        },
        ...timed.map(
          ({ name, seconds, findings, slowest: { seconds: longest } }): Row => ({
            goal: '',
            what: `${name}: ${findings} findings, slowest statement ${longest.toFixed(2)} s`,
            unit: 's',
            product: single(seconds),
          }),
        ),
      ],
      calibrationMs,
      notes: [
        `Locks on relations seen while the checks ran: ${locks.join(', ') || 'none'}.`,
        `The slowest statement of all is of ${slowest?.name}: \`${slowest?.slowest.sql}\``,
      ],
    };
  },
};

/** A session as a worker's, with every statement timed. */
async function time(check: Check, url: string): Promise<Timed> {
  const gateway = createPostgresGateway({ env: { TARGET_PASSWORD: 'postgres' } });
  const connection = new URL(url);
  connection.password = '';
  const address = { kind: 'postgres', connection: connection.href, secretRef: 'env:TARGET_PASSWORD' } as const;
  let slowest = { seconds: 0, sql: '' };
  const started = performance.now();
  const report = await gateway.read(address, { applicationName: 'slacktide/bench' }, (session) => {
    const reader: TargetReader = {
      ...session,
      query: async (sql, parameters) => {
        const sent = performance.now();
        const rows = await session.query(sql, parameters);
        const seconds = (performance.now() - sent) / 1000;
        if (seconds > slowest.seconds) slowest = { seconds, sql: sql.replace(/\s+/g, ' ').trim().slice(0, 160) };
        return rows as never;
      },
    };
    const look = { reader, memory, standbys: [], now: new Date(), signal: new AbortController().signal };
    return check.run(look, check.type.config.parse({}));
  });
  return {
    name: check.type.name,
    seconds: (performance.now() - started) / 1000,
    findings: report.findings.length,
    slowest,
  };
}

const memory: CheckMemory = { now: async () => new Date(), snapshots: async () => [], usage: async () => [] };

/** Looks at the locks of our sessions all the time; tells which modes there were on relations. */
async function watchLocks({ cleanUp }: BenchmarkRun, url: string): Promise<{ stop(): Promise<readonly string[]> }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  cleanUp.defer(() => client.end());
  const modes = new Set<string>();
  const stopping = new AbortController();
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      const { rows } = await client.query<{ mode: string }>(
        `SELECT DISTINCT l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid)
         WHERE a.application_name = 'slacktide/bench' AND l.locktype = 'relation'`,
      );
      for (const { mode } of rows) modes.add(mode);
      await new Promise((resolve) => setTimeout(resolve, lookAtLocksEveryMs));
    }
  })();
  return {
    stop: async () => {
      stopping.abort();
      await looking;
      return [...modes];
    },
  };
}
