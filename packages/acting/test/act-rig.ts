import type { Remnant, RemnantOutcome, StepProgress, TargetReader, TargetSession } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { createPostgresGateway, type GatedOperation } from '@slacktide/targets';
import { parse } from 'libpg-query';
import pg from 'pg';
import { expect, inject, onTestFinished } from 'vitest';
import type { PostgresMajor } from '../../../test/support/postgres.ts';
import { type FreshTarget, freshTarget } from '../../../test/support/target.ts';
import {
  type ActRun,
  type ConcurrentEnd,
  type ConcurrentLimits,
  type ConcurrentWork,
  runConcurrently,
  sweepConcurrent,
} from '../src/index.ts';

const schema = 'we"ird; --';
const table = `"we""ird; --"."it's"`;
const name = 'i"x; DROP TABLE x';
const quoted = `"we""ird; --"."i""x; DROP TABLE x"`;

/** What is done to the index `quoted`, which CREATE makes and the others find. */
export const statements: Readonly<Record<GatedOperation, string>> = {
  create: `CREATE INDEX CONCURRENTLY "i""x; DROP TABLE x" ON ${table} (n)`,
  reindex: `REINDEX INDEX CONCURRENTLY ${quoted}`,
  drop: `DROP INDEX CONCURRENTLY ${quoted}`,
};

export const readsTable = `BEGIN; SELECT * FROM ${table} LIMIT 1`;
export const writesTable = `BEGIN; INSERT INTO ${table} VALUES (4242424242)`;
export const olderSnapshot = 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM public.other';

/** Makes the statement wait after it has begun to leave something behind, in that phase. */
export const waitsFor: Readonly<Record<GatedOperation, { readonly sql: string; readonly phase: string }>> = {
  create: { sql: olderSnapshot, phase: 'waiting for old snapshots' },
  reindex: { sql: olderSnapshot, phase: 'waiting for old snapshots' },
  drop: { sql: readsTable, phase: 'waiting' },
};

export interface ActOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (update: StepProgress) => void;
  /** Called once the acting session waits for a lock. */
  readonly onWait?: (pid: number) => void;
  /** Called when a record is written, before anything is done. */
  readonly onRemnant?: () => Promise<unknown>;
}

export interface KeptRecord {
  readonly proof: JsonObject;
  /** Undefined while it is open. */
  outcome?: RemnantOutcome;
  note?: string | undefined;
}

export interface Acted {
  readonly end: ConcurrentEnd;
  readonly records: readonly KeptRecord[];
}

/** One table with hostile names on a database of its own, and what acts on it as the worker does. */
export async function openActRig(major: PostgresMajor, { indexed = true, adminUrl = '' } = {}) {
  const target: FreshTarget = await freshTarget(major, ...(adminUrl === '' ? [] : [adminUrl]));
  await target.owner.query(`
    CREATE SCHEMA "we""ird; --";
    CREATE TABLE ${table} (n bigint);
    INSERT INTO ${table} SELECT n FROM generate_series(1, 1000) AS n;
    CREATE TABLE public.other (n int)`);
  if (indexed) await target.owner.query(`CREATE INDEX "i""x; DROP TABLE x" ON ${table} (n)`);
  const { rows } = await target.owner.query(`SELECT $1::regclass::oid AS oid`, [table]);
  const tableOid: number = rows[0].oid;
  // In another database: a look there is no snapshot in this one.
  const onlooker = new pg.Client({ connectionString: adminUrl === '' ? inject('targetUrls')[major] : adminUrl });
  await onlooker.connect();
  onTestFinished(() => onlooker.end());
  const gateway = createPostgresGateway({ env: target.env });
  const sent: string[] = [];

  const act = <T>(use: (session: TargetSession, observer: TargetReader) => Promise<T>, signal?: AbortSignal) =>
    gateway.act(
      target.address,
      {
        applicationName: 'slacktide/test/1',
        statementTimeoutMs: 60_000,
        signal: signal ?? new AbortController().signal,
      },
      (session, observer) => use(overheard(session, sent), observer),
    );

  /** Runs one statement. `records` are there as well when it rejects. */
  const run = async (
    operation: GatedOperation,
    limits: Partial<ConcurrentLimits> = {},
    options: ActOptions = {},
    records: KeptRecord[] = [],
  ): Promise<Acted> => {
    const work: ConcurrentWork = {
      operation,
      statement: statements[operation],
      tableOid,
      schema,
      index: name,
      step: quoted,
    };
    const end = await act(async (session, observer) => {
      const actRun: ActRun = {
        session,
        observer,
        signal: options.signal ?? new AbortController().signal,
        progress: (update) => options.onProgress?.(update),
        remnant: async ({ proof }) => {
          await options.onRemnant?.();
          const kept: KeptRecord = { proof };
          records.push(kept);
          return async (outcome, note) => void Object.assign(kept, { outcome, note });
        },
      };
      const stop = new AbortController();
      const waiting = options.onWait === undefined ? undefined : whenWaiting(session.identity.pid, stop.signal);
      void waiting?.then((waits) => waits && options.onWait?.(session.identity.pid));
      try {
        return await runConcurrently(actRun, work, { ...defaults, ...limits });
      } finally {
        stop.abort();
        await waiting;
      }
    }, options.signal);
    return { end, records };
  };

  /** Looks until the session waits for a lock. */
  const whenWaiting = async (pid: number, signal: AbortSignal): Promise<boolean> => {
    while (!signal.aborted) {
      const { rowCount } = await onlooker.query(
        `SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock' AND query LIKE '%CONCURRENTLY%'`,
        [pid],
      );
      if (rowCount === 1) return true;
    }
    return false;
  };

  return {
    target,
    tableOid,
    sent,
    act,
    run,
    /** What the next task on the target does. */
    sweep: (proof: JsonObject) => act((session) => sweepConcurrent(session, remnantOf(proof))),
    somebody: async (sql: string): Promise<pg.Client> => {
      const client = await target.connect();
      await client.query(`SET application_name = 'somebody'`);
      await client.query(sql);
      return client;
    },
    /** Two sessions that write to the table by turns: there is always a transaction, and none for long. `stop` tells how many there were. */
    keepBusy: async () => {
      const clients = [await target.connect(), await target.connect()] as const;
      await clients[1].query(writesTable);
      let transactions = 1;
      let isOver = false;
      const writing = (async () => {
        while (!isOver) {
          for (const [next, last] of [clients, clients.toReversed()] as const) {
            await next?.query(writesTable);
            await last?.query('COMMIT');
            transactions += 1;
          }
        }
        await clients[1].query('COMMIT');
      })();
      writing.catch(() => undefined); // told by `stop`
      return {
        stop: async () => {
          isOver = true;
          await writing;
          return transactions;
        },
      };
    },
    terminate: (pid: number) => target.admin.query('SELECT pg_terminate_backend($1, 5000)', [pid]),
    /** Indexes of the table: name, and ` invalid` or ` dead` where queries cannot use it. */
    indexes: async (): Promise<string[]> => {
      const { rows } = await target.owner.query(
        `SELECT relname || CASE WHEN NOT indislive THEN ' dead' WHEN NOT indisvalid THEN ' invalid' ELSE '' END AS name
         FROM pg_class JOIN pg_index ON indexrelid = oid WHERE indrelid = $1::oid ORDER BY 1`,
        [tableOid],
      );
      return rows.map((row) => row.name);
    },
  };
}
export type ActRig = Awaited<ReturnType<typeof openActRig>>;

export { name, quoted };

const defaults: ConcurrentLimits = {
  gate: 'wait',
  gate_timeout_seconds: 60,
  lock_timeout_seconds: 30,
  max_blocking_seconds: 600,
};

export function remnantOf(proof: JsonObject): Remnant {
  return {
    id: 1,
    targetId: 'shop',
    taskId: 'task',
    taskType: 'TEST',
    fence: 1,
    kind: 'index',
    proof,
    recordedAt: new Date(),
  };
}

/** Keeps what is sent to act. */
function overheard(session: TargetSession, sent: string[]): TargetSession {
  return {
    ...session,
    execute: (statement, options) => {
      sent.push(statement);
      return session.execute(statement, options);
    },
    cleanUp: (statement) => {
      sent.push(statement);
      return session.cleanUp(statement);
    },
  };
}

/** Fails the test unless each text is one statement that touches the rig's table, its index or a working copy of it, or a setting of the session. */
export async function expectOwnStatements(sent: readonly string[]): Promise<void> {
  for (const statement of sent) {
    const { stmts = [] } = await parse(statement);
    expect(stmts, statement).toHaveLength(1);
    const [[kind, node]] = Object.entries(stmts[0]?.stmt ?? {}) as unknown as [[string, unknown]];
    expect(['VariableSetStmt', 'IndexStmt', 'ReindexStmt', 'DropStmt'], statement).toContain(kind);
    if (kind === 'VariableSetStmt') expect(statement).toMatch(/^(SET lock_timeout = '[\d.]+s'|RESET lock_timeout)$/);
    else expect(JSON.stringify(node), statement).toMatch(/"(it's|i\\"x; DROP TABLE x(_cc(new|old)\d*)?)"/);
  }
}
