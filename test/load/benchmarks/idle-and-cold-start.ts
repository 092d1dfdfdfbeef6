import { migrateLedger } from '@slacktide/ledger';
import { freePort } from '../../support/free-port.ts';
import { createDatabase } from '../../support/postgres.ts';
import type { Benchmark, Row } from '../harness/benchmark.ts';
import { residentMib } from '../harness/memory-of.ts';
import { interleave, type Rounds, ratio } from '../harness/rounds.ts';
import { type ProcessStart, startProcess } from '../harness/start-process.ts';
import { spread } from '../harness/statistics.ts';

type Name = 'bare' | 'control-plane' | 'worker';

/** G16: cold start and idle memory of the processes. */
export const benchmark: Benchmark = {
  title: 'Cold start and idle memory',
  async run(run) {
    const { url } = await createDatabase(run.services.postgresUrl);
    await migrateLedger(url);
    const env = { DATABASE_URL: url, REDIS_URL: run.services.redisUrl, REDIS_PREFIX: 'idle' };
    const idleMs = run.quick ? 200 : 3_000;
    const memory: Record<Name, number[]> = { bare: [], 'control-plane': [], worker: [] };
    const leg = (name: Name) => async (): Promise<number> => {
      const port = await freePort();
      const process = await startProcess(startOf(name, env, port));
      try {
        await new Promise((resolve) => setTimeout(resolve, idleMs));
        memory[name].push(residentMib(process.pid));
      } finally {
        await process.stop();
      }
      return process.startMs;
    };
    const warmUps = 1;
    const starts = await interleave({
      rounds: run.quick ? 1 : 7,
      warmUps,
      legs: { bare: leg('bare'), 'control-plane': leg('control-plane'), worker: leg('worker') },
    });
    const resident: Rounds<Name> = {
      values: {
        bare: memory.bare.slice(warmUps),
        'control-plane': memory['control-plane'].slice(warmUps),
        worker: memory.worker.slice(warmUps),
      },
      calibrationMs: [],
    };
    return {
      calibrationMs: starts.calibrationMs,
      rows: (['control-plane', 'worker'] as const).flatMap((name): Row[] => [
        row(`${name}: from its start to its readiness`, 'ms', name, starts, 2),
        row(`${name}: resident memory, idle`, 'MiB', name, resident, 1.5),
      ]),
      notes: [
        `Started as \`npm start\` does, from TypeScript without a build, with Node's compile cache as the environment has it. Memory is looked at ${idleMs / 1000} s after readiness. The reference is a process with Hono, postgres.js, a BullMQ queue and a worker.`,
      ],
    };
  },
};

function row(what: string, unit: string, name: Name, rounds: Rounds<Name>, limit: number): Row {
  const against = ratio(rounds, name, 'bare');
  return {
    goal: 'G16',
    what,
    unit,
    product: spread(rounds.values[name]),
    reference: { what: 'bare process', value: spread(rounds.values.bare) },
    ratio: against,
    wanted: `ratio ≤ ${limit}`,
    met: against.median <= limit,
  };
}

function startOf(name: Name, env: Readonly<Record<string, string>>, port: number): ProcessStart {
  const at = `http://127.0.0.1:${port}/readyz`;
  switch (name) {
    case 'bare':
      return { entry: 'test/load/processes/bare-process.ts', env: { ...env, PORT: String(port) }, readyUrl: at };
    case 'control-plane':
      return { entry: 'apps/control-plane/src/main.ts', env: { ...env, PORT: String(port) }, readyUrl: at };
    case 'worker':
      return { entry: 'apps/worker/src/main.ts', env: { ...env, METRICS_PORT: String(port) }, readyUrl: at };
  }
}
