import { randomBytes } from 'node:crypto';
import { addJob, createApiKey, jobCreated, newJob } from '@slacktide/application';
import type { NewJob, RequestContext } from '@slacktide/application/ports';
import { connectLedger, type LedgerConnection, migrateLedger } from '@slacktide/ledger';
import postgres from 'postgres';
import { freePort } from '../../support/free-port.ts';
import { createDatabase } from '../../support/postgres.ts';
import type { BenchmarkRun } from './benchmark.ts';
import { type LoadProcess, startProcess } from './start-process.ts';
import { waitUntil } from './wait-until.ts';

/** A Slacktide of a benchmark's own: a ledger, a control plane, workers with the executors of `load-executors.ts`. */
export interface LoadFleet {
  readonly databaseUrl: string;
  readonly redisPrefix: string;
  /** Of the control plane. */
  readonly url: string;
  /** Headers of an admin. */
  readonly headers: Readonly<Record<string, string>>;
  readonly connection: LedgerConnection;
  /** To look into the ledger. */
  readonly sql: postgres.Sql;
  readonly controlPlane: LoadProcess;
  readonly workers: readonly LoadProcess[];
  startWorker(): Promise<LoadProcess>;
  /** One more, beside the first. */
  startControlPlane(): Promise<{ readonly url: string; readonly process: LoadProcess }>;
  /** Writes jobs that nobody has been told of yet: `release` does that. */
  addJobs(count: number, job: (position: number) => LoadJob): Promise<readonly NewJob[]>;
  /** Hands jobs to the relay, all in one transaction. */
  release(jobs: readonly NewJob[]): Promise<void>;
  /** Resolves when all jobs are over; how long it took, in milliseconds. */
  whenOver(jobs: readonly NewJob[]): Promise<number>;
}

export interface LoadJob {
  readonly targetId: string;
  readonly tasks: readonly { key: string; type: string; config: Record<string, number>; needs: readonly string[] }[];
}

export interface LoadFleetStart {
  readonly workers: number;
  /** Tasks at once in each worker. */
  readonly concurrency: number;
  /** With false the workers open no session to a target: what is left is ours. */
  readonly sessions: boolean;
  /** How many targets, `t1` and so on. */
  readonly targets: number;
  /** How many databases they are, by turns. Work that acts needs one each. Default 1. */
  readonly databases?: number;
  readonly otlpEndpoint?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const context = (): RequestContext => ({
  actor: { kind: 'system', id: 'load', name: 'load' },
  traceId: randomBytes(16).toString('hex'),
  traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
});

/** Starts a fleet; all of it ends with the run. */
export async function startLoadFleet(
  { services, cleanUp }: Pick<BenchmarkRun, 'services' | 'cleanUp'>,
  start: LoadFleetStart,
): Promise<LoadFleet> {
  const { url: databaseUrl } = await createDatabase(services.postgresUrl);
  await migrateLedger(databaseUrl);
  const connection = connectLedger({ databaseUrl, applicationName: 'load', maxConnections: 4 });
  cleanUp.defer(() => connection.close());
  const sql = postgres(databaseUrl, { max: 4, onnotice: () => undefined });
  cleanUp.defer(() => sql.end({ timeout: 5 }));
  await addTargets(services.postgresUrl, connection, start);

  const redisPrefix = `load-${randomBytes(4).toString('hex')}`;
  const { otlpEndpoint } = start;
  const env = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: services.redisUrl,
    REDIS_PREFIX: redisPrefix,
    ...(otlpEndpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint }),
    ...start.env,
  };
  const startControlPlane: LoadFleet['startControlPlane'] = async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const process = await startProcess({
      entry: 'apps/control-plane/src/main.ts',
      env: { ...env, PORT: String(port) },
      readyUrl: `${url}/readyz`,
    });
    cleanUp.defer(() => process.stop());
    return { url, process };
  };
  const { url, process: controlPlane } = await startControlPlane();
  const startWorker = async (): Promise<LoadProcess> => {
    const worker = await startProcess({
      entry: 'test/load/processes/load-worker.ts',
      args: [start.sessions ? 'sessions' : 'no-sessions', String(start.concurrency)],
      env: { ...env, METRICS_PORT: '0', TARGET_PASSWORD: 'postgres' },
    });
    cleanUp.defer(() => worker.stop());
    return worker;
  };
  const workers = await Promise.all(Array.from({ length: start.workers }, startWorker));
  const key = await createApiKey({ ...connection, randomBytes: (count) => randomBytes(count) }, context(), {
    name: 'load',
    scopes: ['maintenance:admin'],
    expiresAt: null,
  });
  return {
    databaseUrl,
    redisPrefix,
    url,
    headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json' },
    connection,
    sql,
    controlPlane,
    workers,
    startWorker,
    startControlPlane,
    addJobs: (count, job) => insertJobs(connection, count, job),
    release: (jobs) => releaseJobs(connection, jobs),
    whenOver: (jobs) => {
      const ids = jobs.map(({ id }) => id);
      const first = jobs[0]?.scheduledFor ?? new Date();
      // The instant lets the planner leave all other days out.
      const isOver = async (): Promise<boolean> => {
        const [row] = await sql<[{ open: boolean }]>`
          SELECT EXISTS (SELECT FROM jobs WHERE scheduled_for = ${first} AND id = ANY(${ids}::uuid[]) AND finished_at IS NULL) AS open`;
        return !row.open;
      };
      return waitUntil('the jobs', isOver, { everyMs: 5 });
    },
  };
}

async function addTargets(
  postgresUrl: string,
  { ledger }: LedgerConnection,
  { targets, databases = 1 }: LoadFleetStart,
): Promise<void> {
  const now = new Date();
  const addresses: string[] = [];
  for (let number = 0; number < databases; number += 1) {
    const address = new URL((await createDatabase(postgresUrl)).url);
    address.password = '';
    addresses.push(address.href);
  }
  await ledger.transaction(context(), async (tx) => {
    for (let number = 1; number <= targets; number += 1) {
      await tx.targets.insert({
        id: `t${number}`,
        name: `t${number}`,
        kind: 'postgres',
        connection: addresses[number % databases] ?? '',
        secretRef: 'env:TARGET_PASSWORD',
        standbys: [],
        labels: {},
        version: 1,
        createdAt: now,
        updatedAt: now,
      });
    }
    return { result: null, audit: [{ action: 'target.create', entity: 'target', entityId: 'load' }] };
  });
}

async function insertJobs(
  { ledger }: LedgerConnection,
  count: number,
  job: (position: number) => LoadJob,
): Promise<readonly NewJob[]> {
  const made: NewJob[] = [];
  await ledger.transaction(context(), async (tx) => {
    const now = await tx.now();
    for (let position = 0; position < count; position += 1) {
      const { traceId, traceparent } = context();
      const { targetId, tasks } = job(position);
      const next = newJob({
        trigger: 'adhoc',
        scheduleId: null,
        targetId,
        tasks,
        haltOnTaskFailure: true,
        window: null,
        scheduledFor: now,
        now,
        traceId,
        traceparent,
        requestedBy: 'load',
        idBytes: () => randomBytes(16),
      });
      await addJob({ jobs: tx.jobs, outbox: { add: () => Promise.resolve() } }, next);
      made.push(next);
    }
    const [first, ...rest] = made.map(jobCreated);
    if (first === undefined) throw new RangeError('expected at least one job');
    return { result: null, audit: [first, ...rest] };
  });
  return made;
}

async function releaseJobs({ ledger }: LedgerConnection, jobs: readonly NewJob[]): Promise<void> {
  await ledger.transaction(context(), async (tx) => {
    await Promise.all(jobs.map(({ id, generation }) => tx.outbox.add({ kind: 'flow.add', jobId: id, generation })));
    return { result: null, audit: [{ action: 'load.release', entity: 'job', entityId: jobs[0]?.id ?? '' }] };
  });
}
