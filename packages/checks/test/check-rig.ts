import type { CheckMemory, CheckSnapshot, ObservedUsage, Standby, TargetAddress } from '@slacktide/application/ports';
import { type CheckName, type CheckReport, checkNames, type FoundFinding, type JsonObject } from '@slacktide/domain';
import { createPostgresGateway } from '@slacktide/targets';
import pg from 'pg';
import { expect } from 'vitest';
import type { Check } from '../src/check.ts';
import { expectProposalToBeAboutItself } from './statements.ts';

export interface CheckRunOptions {
  /** Role to log in as; default the superuser. Its password is `postgres`. */
  readonly as?: string;
  /** What was observed of indexes so far. Default: nothing. */
  readonly usage?: readonly ObservedUsage[];
  readonly standbys?: readonly Standby[];
  /** The ledger's clock. Default: now. */
  readonly now?: Date;
  readonly only?: string;
  readonly signal?: AbortSignal;
  /** Relations (`schema.name`, unquoted) that a proposal may name besides its own object and table. */
  readonly mayName?: (finding: FoundFinding) => readonly string[];
}

/** A database under care and what a worker does with it: real gateway, real sessions, real checks. */
export interface CheckRig extends AsyncDisposable {
  readonly url: string;
  /** Runs as the superuser in a session that ends with it: its counters are then told, not kept for later. */
  sql<R extends object = Record<string, unknown>>(text: string, parameters?: readonly unknown[]): Promise<R[]>;
  /** A session of its own, ended with the rig. */
  connect(options?: { applicationName?: string; as?: string }): Promise<pg.Client>;
  /**
   * Runs a check as the worker does. Every report is checked for what must hold of all: JSON all through, one finding a fingerprint, every
   * statement one statement about its own object. Snapshots are kept for the next run of the same check on this rig.
   */
  run<C extends JsonObject>(check: Check<C>, config?: Partial<C>, options?: CheckRunOptions): Promise<CheckReport>;
  /** Executes statements as they would be sent: each alone, in one session of the superuser. */
  execute(statements: readonly string[]): Promise<void>;
  /** Snapshots so far, newest first; tests may put older ones in. */
  readonly snapshots: Map<CheckName, CheckSnapshot[]>;
}

/** `database.url` is a superuser's; the database is dropped with the rig. */
export async function openCheckRig(database: { url: string; drop(): Promise<void> }): Promise<CheckRig> {
  const clients: pg.Client[] = [];
  const snapshots = new Map<CheckName, CheckSnapshot[]>();
  const gateway = createPostgresGateway({ env: { TARGET_PASSWORD: 'postgres' } });
  const connect: CheckRig['connect'] = async ({ applicationName = 'test', as } = {}) => {
    const url = new URL(database.url);
    if (as !== undefined) url.username = encodeURIComponent(as);
    const client = new pg.Client({ connectionString: url.href, application_name: applicationName });
    // Dropping the database ends sessions that a test left open.
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  const alone = async <T>(use: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  };

  return {
    url: database.url,
    snapshots,
    connect,
    sql: <R extends object>(text: string, parameters: readonly unknown[] = []) =>
      alone(async (client) => (await client.query(text, [...parameters])).rows as R[]),
    execute: (statements) =>
      alone(async (client) => {
        for (const statement of statements) await client.query(statement);
      }),
    async run(check, given = {}, options = {}) {
      const now = options.now ?? new Date();
      const memory: CheckMemory = {
        now: async () => now,
        snapshots: async (name, { since, limit }) =>
          (snapshots.get(name) ?? []).filter(({ at }) => since === undefined || at >= since).slice(0, limit),
        usage: async () => options.usage ?? [],
      };
      const config = check.type.config.parse(given);
      const signal = options.signal ?? new AbortController().signal;
      const report = await gateway.read(
        addressOf(database.url, options.as),
        { applicationName: 'slacktide/test/1', signal },
        (reader) =>
          check.run(
            {
              reader,
              memory,
              standbys: options.standbys ?? [],
              now,
              signal,
              ...(options.only === undefined ? {} : { only: options.only }),
            },
            config,
          ),
      );
      if (report.snapshot !== undefined) {
        snapshots.set(report.check, [{ at: now, values: report.snapshot }, ...(snapshots.get(report.check) ?? [])]);
      }
      await expectSoundReport(check, report, options.mayName ?? (() => []));
      return report;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
      await database.drop();
    },
  };
}

/** A standby of a target, or another server in its place. */
export function standbyAt(url: string, name: string): Standby {
  const gateway = createPostgresGateway({ env: { TARGET_PASSWORD: 'postgres' } });
  return { name, read: (use) => gateway.read(addressOf(url), { applicationName: 'slacktide/test/standby' }, use) };
}

async function expectSoundReport<C extends JsonObject>(
  check: Check<C>,
  report: CheckReport,
  mayName: (finding: FoundFinding) => readonly string[],
): Promise<void> {
  expect(checkNames).toContain(report.check);
  expect(report.check).toBe(check.type.name);
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  expect(report.checked).toBeGreaterThanOrEqual(0);
  const fingerprints = report.findings.map(({ fingerprint }) => fingerprint);
  expect(fingerprints).toEqual([...new Set(fingerprints)]);
  for (const finding of report.findings) {
    expect(finding.summary.length, finding.fingerprint).toBeGreaterThan(10);
    for (const key of Object.keys(finding.evidence)) expect(key).toMatch(/^[a-z0-9_]+$/);
    if (finding.action !== null) expect(finding.action.sql.length).toBeGreaterThan(0);
    await expectProposalToBeAboutItself(finding, mayName(finding));
  }
}

function addressOf(url: string, role?: string): TargetAddress {
  const connection = new URL(url);
  connection.password = '';
  if (role !== undefined) connection.username = encodeURIComponent(role);
  return { kind: 'postgres', connection: connection.href, secretRef: 'env:TARGET_PASSWORD' };
}
