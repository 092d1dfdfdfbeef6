import type { JsonObject } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { majors } from '../../../../test/support/postgres.ts';
import { type ExecutorRun, runExecutor } from '../../../../test/support/run-executor.ts';
import { type FreshTarget, freshTarget } from '../../../../test/support/target.ts';
import { indexRebuild } from './index.ts';

async function setup(major: (typeof majors)[number]) {
  const target = await freshTarget(major);
  await target.owner.query(`
    CREATE TABLE public.t (n int PRIMARY KEY);
    INSERT INTO public.t SELECT n FROM generate_series(1, 1000) AS n;
    CREATE TABLE public.other (n int)`);
  const rebuild = (config: JsonObject = {}, run: ExecutorRun = {}) =>
    runExecutor(target, indexRebuild, { indexes: ['t_pkey'], ...config }, run);
  const somebody = async (sql: string) => {
    const client = await target.connect();
    await client.query(`SET application_name = 'somebody'`);
    await client.query(sql);
    return client;
  };
  return { target, rebuild, somebody };
}

const snapshot = 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM public.other';

async function indexesOf({ owner }: FreshTarget): Promise<string[]> {
  const { rows } = await owner.query(
    `SELECT relname || CASE WHEN indisvalid THEN '' ELSE ' invalid' END AS name
     FROM pg_class JOIN pg_index ON indexrelid = oid WHERE indrelid = 'public.t'::regclass ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

async function fileOf({ owner }: FreshTarget): Promise<number> {
  const { rows } = await owner.query(`SELECT pg_relation_filenode('public.t_pkey')::int AS file`);
  return rows[0].file;
}

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: unknown) => error,
  );

const byWhom = expect.objectContaining({
  pid: expect.any(Number),
  application_name: 'somebody',
  transaction_age_seconds: expect.any(Number),
});

describe.each(majors)('the gate of INDEX_REBUILD on PostgreSQL %i', (major) => {
  it('skips, naming the culprit, while an old snapshot is open anywhere in the database', async () => {
    const { target, rebuild, somebody } = await setup(major);
    const file = await fileOf(target);
    await somebody(snapshot);
    for (const config of [{ gate: 'skip' }, { gate: 'wait', gate_timeout_seconds: 0 }]) {
      expect((await rebuild(config)).outcomes).toEqual([
        {
          kind: 'skipped',
          reason: 'blocked',
          result: { gate: config.gate, waited_ms: expect.any(Number), blockers: [byWhom] },
        },
      ]);
    }
    expect(await fileOf(target)).toBe(file);
    expect(await indexesOf(target)).toEqual(['t_pkey']);
  });

  it('waits until the culprit is gone, then rebuilds', async () => {
    const { target, rebuild, somebody } = await setup(major);
    const file = await fileOf(target);
    const client = await somebody(snapshot);
    const phases: string[] = [];
    const { outcomes } = await rebuild(
      {},
      {
        onProgress: ({ phase }) => {
          if (phases.length === 0) void client.query('COMMIT');
          phases.push(phase);
        },
      },
    );
    expect(outcomes).toMatchObject([{ kind: 'done', result: { gate: { gate: 'wait', blockers: [] } } }]);
    expect(phases[0]).toBe('waiting for older transactions');
    expect(await fileOf(target)).not.toBe(file);
  });

  it('goes when told to, is bounded by the lock timeout, and takes its unfinished index back', async () => {
    const { target, rebuild, somebody } = await setup(major);
    await somebody(snapshot);
    const { outcomes } = await rebuild({ gate: 'go', lock_timeout_seconds: 1 });
    expect(outcomes).toMatchObject([
      {
        kind: 'failed',
        error: {
          code: 'lock_timeout',
          detail: {
            sql_state: '55P03',
            dropped: ['public.t_pkey_ccnew'],
            left: [],
            gate: { gate: 'go', blockers: [byWhom] },
          },
        },
      },
    ]);
    expect(await indexesOf(target)).toEqual(['t_pkey']);
  });
});

describe.each(majors)('INDEX_REBUILD cut short on PostgreSQL %i', (major) => {
  it('leaves nothing behind when cancelled amid its work', async () => {
    const { target, rebuild, somebody } = await setup(major);
    const stop = new AbortController();
    await somebody(snapshot);
    const run = {
      signal: stop.signal,
      // The unfinished index exists by then.
      onProgress: ({ phase }: { phase: string }) => {
        if (phase === 'waiting for old snapshots') stop.abort();
      },
    };
    expect(await outcome(rebuild({ gate: 'go' }, run))).toMatchObject({ code: 'cancelled' });
    expect(await indexesOf(target)).toEqual(['t_pkey']);
  });

  it('says what it had to leave when it cannot be taken back', async () => {
    const { target, rebuild, somebody } = await setup(major);
    const stop = new AbortController();
    // A transaction that has used the table lets the unfinished index neither be completed nor be dropped.
    const client = await somebody(snapshot);
    await client.query('SELECT * FROM public.t');
    const run = {
      signal: stop.signal,
      onProgress: ({ phase }: { phase: string }) => {
        if (phase.startsWith('waiting for ')) stop.abort();
      },
    };
    const { outcomes } = await rebuild({ gate: 'go', lock_timeout_seconds: 2 }, run);
    expect(outcomes).toMatchObject([
      {
        kind: 'failed',
        error: {
          code: 'cancelled',
          message: expect.stringContaining('public.t_pkey_ccnew'),
          detail: { dropped: [], left: [{ index: 'public.t_pkey_ccnew', reason: expect.stringContaining('lock') }] },
        },
      },
    ]);
    expect(await indexesOf(target)).toEqual(['t_pkey', 't_pkey_ccnew invalid']);
    await client.query('COMMIT');
    // The next run touches neither: what somebody left there is not ours to judge.
    expect((await rebuild()).skipped).toEqual([{ object: 'public.t_pkey', reason: 'leftover_present: t_pkey_ccnew' }]);
  });

  it('throws when its session is lost, naming what may be left, and sweeps nothing', async () => {
    const { target, rebuild, somebody } = await setup(major);
    await somebody(snapshot);
    let ended: Promise<unknown> | undefined;
    const end = (): Promise<unknown> =>
      target.admin.query(
        `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE application_name = 'slacktide/test/1' AND datname = current_database()`,
      );
    const error = await outcome(
      rebuild(
        { gate: 'go' },
        {
          onProgress: ({ phase }) => {
            if (phase === 'waiting for old snapshots') ended ??= end();
          },
        },
      ),
    );
    await ended;
    expect(error).toMatchObject({ code: 'session_lost', message: expect.stringContaining('public.t_pkey_ccnew') });
    expect(await indexesOf(target)).toEqual(['t_pkey', 't_pkey_ccnew invalid']);
  });
});

describe('INDEX_REBUILD looks again before it acts', () => {
  it.each<[string, string]>([
    ['index_gone', 'ALTER TABLE public.t DROP CONSTRAINT t_pkey'],
    ['replaced_since_planned', 'REINDEX INDEX CONCURRENTLY public.t_pkey'],
  ])('%s', async (reason, sql) => {
    const { target, rebuild } = await setup(18);
    const { outcomes } = await rebuild({}, { beforeStep: () => target.owner.query(sql) });
    expect(outcomes).toEqual([{ kind: 'skipped', reason }]);
  });

  it('leftover_present, and leaves it where it is', async () => {
    const { target, rebuild, somebody } = await setup(18);
    const client = await somebody(snapshot);
    const leave = async (): Promise<void> => {
      await target.owner.query(`SET lock_timeout = '200ms'`);
      await target.owner.query('REINDEX INDEX CONCURRENTLY public.t_pkey').catch(() => undefined);
      await client.query('COMMIT');
    };
    const { outcomes } = await rebuild({}, { beforeStep: leave });
    expect(outcomes).toEqual([
      { kind: 'skipped', reason: 'leftover_present', result: { leftovers: ['public.t_pkey_ccnew'] } },
    ]);
    expect(await indexesOf(target)).toEqual(['t_pkey', 't_pkey_ccnew invalid']);
  });
});
