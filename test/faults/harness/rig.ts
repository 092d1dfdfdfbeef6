import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job, StartedJobs } from '@slacktide/contract';
import { migrateLedger } from '@slacktide/ledger';
import postgres from 'postgres';
import { makeAdminKey } from '../../support/admin-key.ts';
import { freePort } from '../../support/free-port.ts';
import { createDatabase, templateDatabase } from '../../support/postgres.ts';
import { Client } from './client.ts';
import type { Trial } from './fault-case.ts';
import { FaultyRedis } from './faulty-redis.ts';
import { Keeper } from './keeper.ts';
import type { ProcessRef, RigOptions } from './rig-options.ts';
import { makeTarget, type RigTarget, readWitness } from './rig-target.ts';
import type { WitnessedStatement } from './server-log.ts';
import { canary, maintainer, type Servers, sharedServers } from './servers.ts';
import { until } from './until.ts';

export interface WorkTask {
  readonly type: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly key?: string;
  readonly needs?: readonly string[];
  readonly time_limit_seconds?: number;
}

/** Work for one target, now. */
export interface Work {
  /** Default: the first target. */
  readonly target?: string;
  readonly tasks: readonly WorkTask[];
  /** Further fields of the schedule that carries it. */
  readonly schedule?: Readonly<Record<string, unknown>>;
}

/** A job as the ledger has it, shortly. */
export interface JobEnd {
  readonly id: string;
  readonly targetId: string;
  readonly state: Job['state'];
  readonly reason: string | null;
  readonly tasks: readonly {
    id: string;
    type: string;
    state: string;
    reason: string | null;
    attempt: number;
    crashes: number;
    error: { code: string; message: string; detail?: unknown } | null;
  }[];
}

const prefix = 'faults';
const open = ['PENDING', 'RUNNING'];

/** A whole Slacktide with servers of its own, whose every part can be broken. `await using rig = await startRig(trial, …)`. */
export class Rig {
  readonly trial: Trial;
  readonly servers: Servers;
  readonly databaseUrl: string;
  /** Straight into the ledger, as its owner. */
  readonly ledger: postgres.Sql;
  readonly redis: FaultyRedis;
  readonly redisPrefix = prefix;
  readonly controlPlanes: readonly Keeper[];
  readonly workers: readonly Keeper[];
  readonly targets: readonly RigTarget[];
  readonly client: Client;
  /** Ids of jobs whose request was answered 2xx: what I1 is about. */
  readonly accepted = new Set<string>();
  /** Tasks that a person had run again: they may have an effect more. */
  readonly retriedByOperator = new Set<string>();
  /** Tasks of which a person said what became of them: their state is that person's word. */
  readonly resolvedByOperator = new Set<string>();
  /** How far a case has moved the ledger's clock ahead of the machine's, which is the targets'. */
  ledgerAheadMs = 0;
  readonly #schedules = new Map<string, Promise<string>>();
  readonly #dispose: () => Promise<void>;

  constructor(parts: {
    trial: Trial;
    servers: Servers;
    databaseUrl: string;
    ledger: postgres.Sql;
    redis: FaultyRedis;
    controlPlanes: readonly Keeper[];
    workers: readonly Keeper[];
    targets: readonly RigTarget[];
    client: Client;
    dispose: () => Promise<void>;
  }) {
    this.trial = parts.trial;
    this.servers = parts.servers;
    this.databaseUrl = parts.databaseUrl;
    this.ledger = parts.ledger;
    this.redis = parts.redis;
    this.controlPlanes = parts.controlPlanes;
    this.workers = parts.workers;
    this.targets = parts.targets;
    this.client = parts.client;
    this.#dispose = parts.dispose;
  }

  get processes(): readonly Keeper[] {
    return [...this.controlPlanes, ...this.workers];
  }

  worker(index = 0): Keeper {
    return at(this.workers, index);
  }
  controlPlane(index = 0): Keeper {
    return at(this.controlPlanes, index);
  }
  target(index = 0): RigTarget {
    return at(this.targets, index);
  }

  /** Asks for work and keeps the job's id once it is accepted. `key` is the Idempotency-Key. */
  async submit(work: Work, key?: string): Promise<string> {
    const scheduleId = await this.scheduleOf(work);
    const { jobs } = await this.client.accept<StartedJobs>('POST', `/schedules/${scheduleId}/run`, {
      ...(key === undefined ? {} : { key }),
    });
    for (const { id } of jobs) this.accepted.add(id);
    return at(jobs, 0).id;
  }

  /** The schedule that carries such work; made at first use, disabled, so that only `run` starts it. */
  scheduleOf({ target = this.target().id, tasks, schedule = {} }: Work): Promise<string> {
    const body = {
      name: 'Work of a fault test',
      cron_expression: '0 0 1 1 *',
      enabled: false,
      halt_on_task_failure: true,
      target_ids: [target],
      tasks,
      ...schedule,
    };
    const id = `work-${createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 16)}`;
    const known = this.#schedules.get(id);
    if (known !== undefined) return known;
    const made = this.client.accept('POST', '/schedules', { body: { id, ...body }, key: id }).then(() => id);
    this.#schedules.set(id, made);
    made.catch(() => this.#schedules.delete(id));
    return made;
  }

  /** The jobs as the ledger has them; all of them by default. */
  async jobs(ids?: Iterable<string>): Promise<readonly JobEnd[]> {
    return await this.ledger<JobEnd[]>`
      SELECT jobs.id, jobs.target_id AS "targetId", jobs.state, jobs.reason, coalesce(json_agg(json_build_object('id', tasks.id, 'type', tasks.type,
        'state', tasks.state, 'reason', tasks.reason, 'attempt', tasks.attempt, 'crashes', tasks.crashes, 'error', tasks.error) ORDER BY tasks.position)
        FILTER (WHERE tasks.id IS NOT NULL), '[]') AS tasks
      FROM jobs LEFT JOIN tasks ON tasks.scheduled_for = jobs.scheduled_for AND tasks.job_id = jobs.id
      WHERE ${ids === undefined} OR jobs.id = ANY(${[...(ids ?? [])]}::uuid[])
      GROUP BY jobs.scheduled_for, jobs.id ORDER BY jobs.scheduled_for, jobs.id`;
  }

  async job(id: string): Promise<JobEnd> {
    return at(await this.jobs([id]), 0);
  }

  /** Waits until these jobs (default: all that were accepted) are over or need an operator; gives them in the order of the ids. */
  async settled(ids: Iterable<string> = this.accepted, limitMs = 60_000): Promise<readonly JobEnd[]> {
    const wanted = [...ids];
    return await until(
      `${wanted.length} jobs to be over`,
      async () => {
        const found = new Map((await this.jobs(wanted)).map((job) => [job.id, job]));
        const jobs = wanted.flatMap((id) => found.get(id) ?? []);
        const left = jobs.filter(({ state }) => open.includes(state));
        if (left.length > 0) throw new Error(`still open: ${JSON.stringify(left.slice(0, 5))} of ${left.length}`);
        return jobs.length === wanted.length && jobs;
      },
      { limitMs },
    );
  }

  /** Waits until one of the job's tasks has been claimed and its statement has begun on the target. */
  async acting(jobId: string): Promise<void> {
    const { targetId } = await this.job(jobId);
    const target = this.targets.find(({ id }) => id === targetId);
    await until(`job ${jobId} to act on ${targetId}`, async () => {
      const { rowCount } = (await target?.sql.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = $1 AND state = 'active' AND query LIKE '%pg_sleep%'`,
        [maintainer],
      )) ?? { rowCount: 0 };
      return (rowCount ?? 0) > 0;
    });
  }

  /** What the target server saw the fleet do: the witness. */
  witness(): readonly (WitnessedStatement & { targetId: string })[] {
    return readWitness(this.servers, this.targets);
  }

  /** Starts, thaws and waits for everything: from here on nothing is broken any more. */
  async heal(): Promise<void> {
    if (this.redis.pid === 0) await this.redis.start();
    else this.redis.thaw();
    await Promise.all([this.servers.ledger.start(), this.servers.targets.start()]);
    for (const process of this.processes) {
      process.thaw();
      process.start();
    }
    await Promise.all(this.processes.map((process) => process.ready()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispose();
  }
}

/** Starts ledger, Redis, targets, control planes and workers, and registers the targets. About three seconds. */
export async function startRig(trial: Trial, options: RigOptions = {}): Promise<Rig> {
  const servers = await sharedServers();
  await Promise.all([servers.ledger.start(), servers.targets.start()]);
  const undo: (() => Promise<unknown>)[] = [];
  const dispose = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step().catch(() => undefined);
  };
  try {
    const template = await templateDatabase(servers.ledger.url, 'ledger_template', migrateLedger);
    const database = await createDatabase(servers.ledger.url, { template });
    const databaseUrl = database.url;
    undo.push(database.drop);
    const ledger = postgres(databaseUrl, { max: 3, onnotice: () => undefined });
    undo.push(() => ledger.end({ timeout: 1 }));
    const redis = await FaultyRedis.start(options.redisDirectives);
    undo.push(() => redis.stop());
    await options.prepare?.({ databaseUrl, redisPort: redis.port });
    const targets = await Promise.all(
      Array.from({ length: options.targets ?? 1 }, (_, index) =>
        makeTarget(servers, `db${index + 1}`, options.targetSql ?? ''),
      ),
    );
    for (const target of targets) undo.push(target.drop);

    const shared = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: redis.url,
      REDIS_PREFIX: prefix,
      LOG_LEVEL: 'info',
      LEASE_SECONDS: String(options.leaseSeconds ?? 3),
      FLEET_PASSWORD: canary,
    };
    const keep = (
      kind: ProcessRef['kind'],
      count: number,
      fields: (port: number) => { env: Record<string, string>; args?: string[] },
    ) => Promise.all(Array.from({ length: count }, (_, index) => keeperOf({ kind, index }, shared, options, fields)));
    const controlPlanes = await keep('control-plane', options.controlPlanes ?? 1, (port) => ({
      env: { PORT: String(port) },
    }));
    const workers = await keep('worker', options.workers ?? 2, (port) => ({
      env: { METRICS_PORT: String(port) },
      args: ['--concurrency', String(options.concurrency ?? 4)],
    }));
    const processes = [...controlPlanes, ...workers];
    undo.push(async () => keepLogs(processes));
    for (const process of processes) undo.push(() => process.kill({ andStay: 'dead' }));
    for (const process of processes) process.start();

    const adminKey = await makeAdminKey(databaseUrl);
    const client = new Client(
      controlPlanes.map(({ readyUrl = '' }) => readyUrl.replace(/\/readyz$/, '')),
      adminKey,
    );
    const rig = new Rig({
      trial,
      servers,
      databaseUrl,
      ledger,
      redis,
      controlPlanes,
      workers,
      targets,
      client,
      dispose,
    });
    if (!options.dontWait) await Promise.all(processes.map((process) => process.ready()));
    const { host, port } = options.targetAddress ?? { host: '127.0.0.1', port: servers.targets.port };
    for (const { id, database } of targets) {
      const connection = `postgresql://${maintainer}@${host}:${port}/${database}`;
      const body = {
        id,
        name: `Database ${id}`,
        kind: 'postgres',
        connection,
        secret_ref: 'env:FLEET_PASSWORD',
        labels: { rig: 'faults' },
      };
      await client.accept('POST', '/targets?verify=false', { body, key: `target-${id}` });
    }
    return rig;
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** With FAULTS_LOGS=folder every process's log is left there, for who looks into a failure. */
function keepLogs(processes: readonly Keeper[]): void {
  const folder = process.env['FAULTS_LOGS'];
  if (folder === undefined || folder === '') return;
  mkdirSync(folder, { recursive: true });
  for (const { log, name } of processes) writeFileSync(join(folder, `${name}.log`), `${log.join('\n')}\n`);
}

async function keeperOf(
  ref: ProcessRef,
  shared: Readonly<Record<string, string>>,
  options: RigOptions,
  fields: (port: number) => { env: Record<string, string>; args?: string[] },
): Promise<Keeper> {
  const port = await freePort();
  const { args = [], env } = fields(port);
  const checkout = options.checkout?.(ref);
  const host = options.host?.(ref) ?? '127.0.0.1';
  return new Keeper({
    name: `${ref.kind}-${ref.index + 1}`,
    script: checkout === undefined ? `test/faults/apps/${ref.kind}.ts` : `apps/${ref.kind}/src/main.ts`,
    args: [...args, ...(options.args?.(ref) ?? [])],
    env: { ...shared, ...env, ...options.env?.(ref) },
    command: options.command?.(ref) ?? [],
    ...(checkout === undefined ? {} : { cwd: checkout }),
    readyUrl: `http://${host}:${port}/readyz`,
  });
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`expected an item ${index}, there are ${items.length}`);
  return item;
}
