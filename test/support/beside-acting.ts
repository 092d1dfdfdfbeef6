import type { JsonObject } from '@slacktide/domain';
import { executors } from '@slacktide/executors';
import type { BenchScript } from './pgbench.ts';
import { type ExecutorRan, runExecutor } from './run-executor.ts';
import type { FreshTarget } from './target.ts';

/** How much there is to do. */
export interface BesideSize {
  /** Rows of the table with an empty tail, and of the one full of holes. */
  readonly tailRows: number;
  readonly sparseRows: number;
  /** Expired: partitions of a thousand rows each, and rows to delete. */
  readonly partitions: number;
  readonly visits: number;
}

/** Something that is done to tables while pgbench uses them. */
export interface Act {
  readonly name: string;
  readonly type: string;
  readonly config: JsonObject;
  /** What there must be for it to have something to do; run before each time. */
  readonly prepare: readonly string[];
  /** It asks for a lock that `holdsSparse` keeps. */
  readonly meetsHolders?: boolean;
}

/** Beside pgbench's own tables; run once. Names are ours, so nothing has to be quoted. */
export function besideTables({ sparseRows }: BesideSize): string[] {
  return [
    // With room in each page: a row that moves to the end keeps the file from being cut there.
    'CREATE TABLE tail (id int PRIMARY KEY, note text) WITH (autovacuum_enabled = off, fillfactor = 50)',
    'CREATE TABLE sparse (id int PRIMARY KEY, note text) WITH (autovacuum_enabled = off)',
    `INSERT INTO sparse SELECT g, repeat('x', 50) FROM generate_series(1, ${sparseRows}) g`,
    'DELETE FROM sparse WHERE id % 4 <> 0',
    'CREATE TABLE events (at timestamptz, note text) PARTITION BY RANGE (at)',
    'CREATE INDEX events_at ON events (at)',
    `CREATE TABLE events_now PARTITION OF events FOR VALUES FROM ('2020-01-01+00') TO (MAXVALUE)`,
    'CREATE TABLE visits (id int, at timestamptz, note text)',
    'CREATE INDEX visits_at ON visits (at)',
    'CREATE INDEX visits_id ON visits (id)',
  ];
}

/** Two indexes of which one is enough; the safe drop's preparation makes what is missing of them. */
const twins = ['accounts_branch', 'accounts_branch_again'];

const keptTail = 1_000;

/** INDEX_REBUILD, a safe drop, the three ways of giving space back or away, in this order. */
export function besideActs({ tailRows, partitions, visits }: BesideSize): Act[] {
  return [
    { name: 'rebuild', type: 'INDEX_REBUILD', config: { tables: ['public.pgbench_accounts'] }, prepare: [] },
    {
      name: 'safe drop',
      type: 'INDEX_OPTIMIZE',
      config: { drop_duplicate: true, rebuild: false },
      prepare: [
        // Which of the two goes is for the check to say: the larger one, or the younger.
        ...twins.map((name) => `CREATE INDEX IF NOT EXISTS ${name} ON pgbench_accounts (bid)`),
        // It is rehearsed on what was run.
        'UPDATE pgbench_accounts SET abalance = abalance WHERE aid = 1',
      ],
    },
    {
      name: 'VACUUM with truncation',
      type: 'STORAGE_COMPACTION',
      config: { tables: ['public.tail', 'public.pgbench_accounts'], method: 'vacuum' },
      prepare: [
        `INSERT INTO tail SELECT g, repeat('x', 50) FROM generate_series(1, ${tailRows}) g ON CONFLICT DO NOTHING`,
        `DELETE FROM tail WHERE id > ${keptTail}`,
      ],
    },
    {
      name: 'VACUUM FULL with consent',
      type: 'STORAGE_COMPACTION',
      config: { tables: ['public.sparse'], method: 'vacuum_full', allow_full: true },
      prepare: [],
      meetsHolders: true,
    },
    {
      name: 'dropping partitions',
      type: 'RETENTION_ENFORCEMENT',
      config: { rules: [{ table: 'public.events', column: 'at', keep_days: 365, max_partitions: partitions }] },
      prepare: Array.from({ length: partitions }, (_, i) => [
        `CREATE TABLE IF NOT EXISTS events_${i} PARTITION OF events FOR VALUES FROM ('${1990 + i}-01-01+00') TO ('${1991 + i}-01-01+00')`,
        `INSERT INTO events_${i} SELECT '${1990 + i}-06-01+00', 'old' FROM generate_series(1, 1000)`,
      ]).flat(),
    },
    {
      name: 'deleting rows',
      type: 'RETENTION_ENFORCEMENT',
      config: { rules: [{ table: 'public.visits', column: 'at', keep_days: 365 }] },
      prepare: [
        `INSERT INTO visits SELECT g, '2001-01-01+00', 'old' FROM generate_series(1, ${visits}) g`,
        'ANALYZE visits',
      ],
    },
  ];
}

/** Runs it as a worker does; its outcomes are for the caller to judge. */
export async function runAct(
  target: Pick<FreshTarget, 'address' | 'env'>,
  { type, config }: Pick<Act, 'type' | 'config'>,
): Promise<ExecutorRan> {
  const executor = executors.find(({ taskType }) => taskType.type === type);
  if (executor === undefined) throw new Error(`expected an executor of ${type}`);
  return await runExecutor(target, executor, config);
}

/**
 * What the clients do: pgbench's own transaction (TPC-B, seven statements), and short statements on all tables that are acted on. `scale` is that of
 * pgbench's tables.
 */
export function besideScripts(scale: number, { sparseRows, visits }: BesideSize): BenchScript[] {
  const accounts = scale * 100_000;
  return [
    {
      name: 'tpcb',
      weight: 3,
      sql: [
        `\\set aid random(1, ${accounts})`,
        `\\set bid random(1, ${scale})`,
        `\\set tid random(1, ${scale * 10})`,
        '\\set delta random(-5000, 5000)',
        'BEGIN;',
        'UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;',
        'SELECT abalance FROM pgbench_accounts WHERE aid = :aid;',
        'UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;',
        'UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;',
        'INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);',
        'END;',
      ].join('\n'),
    },
    {
      name: 'account',
      weight: 4,
      sql: `\\set aid random(1, ${accounts})\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;`,
    },
    {
      name: 'tail',
      weight: 1,
      sql: `\\set id random(1, ${keptTail})\nUPDATE tail SET note = 'seen' WHERE id = :id;`,
    },
    {
      name: 'sparse',
      weight: 1,
      sql: `\\set id random(1, ${Math.floor(sparseRows / 4)})\nSELECT note FROM sparse WHERE id = 4 * :id;`,
    },
    { name: 'events', weight: 2, sql: `INSERT INTO events VALUES (now(), 'new');` },
    // It locks every partition, expired or not.
    { name: 'event', weight: 1, sql: `SELECT note FROM events WHERE at > now() - interval '1 second' LIMIT 1;` },
    { name: 'visit', weight: 1, sql: `INSERT INTO visits VALUES (0, now(), 'new');` },
    {
      name: 'revisit',
      weight: 1,
      sql: `\\set id random(1, ${visits})\nUPDATE visits SET note = 'seen' WHERE id = :id;`,
    },
  ];
}

/** Somebody who keeps a lock on the table that VACUUM FULL rewrites, for a quarter of a second at a time and hardly ever without. */
export const holdsSparse: BenchScript = {
  name: 'hold',
  weight: 1,
  sql: ['BEGIN;', 'SELECT count(*) FROM sparse WHERE id < 0;', '\\sleep 250 ms', 'END;'].join('\n'),
};
