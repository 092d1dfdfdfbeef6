import { readConcurrentProof } from '@slacktide/acting';
import type { Inspection, InterruptedWork, NewRemnant, Remnant } from '@slacktide/application/ports';
import type { JsonObject, Step } from '@slacktide/domain';
import { createPostgresGateway } from '@slacktide/targets';
import { describe, expect, it } from 'vitest';
import { majors } from '../../../../test/support/postgres.ts';
import { runExecutor } from '../../../../test/support/run-executor.ts';
import { freshTarget } from '../../../../test/support/target.ts';
import { indexRebuild } from './index.ts';
import type { IndexRebuildConfig } from './schema.ts';

const olderSnapshot = 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM public.other';
const reader = 'BEGIN; SELECT * FROM public.t LIMIT 1';

/** A table whose index was being rebuilt when the session was lost: before or after the new one took its place. */
async function setup(major: (typeof majors)[number] = 18) {
  const target = await freshTarget(major);
  await target.owner.query(`
    CREATE TABLE public.t (n int PRIMARY KEY);
    INSERT INTO public.t SELECT n FROM generate_series(1, 1000) AS n;
    CREATE TABLE public.other (n int)`);
  const gateway = createPostgresGateway({ env: target.env });

  /** Loses the session of a rebuild in a phase which `inTheWay` makes it wait in; resolves with the record that stays open. */
  const interrupt = async (inTheWay: string, phase: string): Promise<Remnant> => {
    const other = await target.connect();
    await other.query(inTheWay);
    const recorded: NewRemnant[] = [];
    let ended: Promise<unknown> | undefined;
    const running = runExecutor(
      target,
      indexRebuild,
      { indexes: ['t_pkey'], gate: 'go' },
      {
        onRemnant: async (remnant) => recorded.push(remnant),
        onProgress: (update) => {
          if (update.phase !== phase) return;
          ended ??= target.admin.query(
            `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE application_name = 'slacktide/test/1' AND datname = current_database()`,
          );
        },
      },
    );
    await expect(running).rejects.toMatchObject({ code: 'session_lost' });
    await ended;
    await other.query('COMMIT');
    const [remnant] = recorded;
    if (remnant === undefined) throw new Error('nothing was recorded');
    return recordOf(remnant.proof);
  };
  const sweep = (remnant: Remnant) =>
    gateway.act(
      target.address,
      { applicationName: 'slacktide/next/2', statementTimeoutMs: 60_000, signal: new AbortController().signal },
      async (session) => await indexRebuild.sweep?.(session, remnant, { fileRoots: [] }),
    );
  const inspect = (remnants: readonly Remnant[], steps: readonly Partial<Step>[]): Promise<Inspection | undefined> =>
    gateway.read(target.address, { applicationName: 'slacktide/look/2' }, async (session) => {
      const work = { remnants, steps, config: {}, intent: session.identity };
      return await indexRebuild.inspect?.(session, work as unknown as InterruptedWork<IndexRebuildConfig>);
    });
  const indexes = async (): Promise<string[]> => {
    const { rows } = await target.owner.query(
      `SELECT relname || CASE WHEN indisvalid THEN '' ELSE ' invalid' END AS name
       FROM pg_class JOIN pg_index ON indexrelid = oid WHERE indrelid = 'public.t'::regclass ORDER BY 1`,
    );
    return rows.map(({ name }) => name);
  };
  /** What a person leaves who rebuilds by hand and fails. */
  const failByHand = async (index = 't_pkey'): Promise<void> => {
    const other = await target.connect();
    await other.query(olderSnapshot);
    await target.owner.query(`SET lock_timeout = '200ms'`);
    await expect(target.owner.query(`REINDEX INDEX CONCURRENTLY public.${index}`)).rejects.toMatchObject({
      code: '55P03',
    });
    await target.owner.query('RESET lock_timeout');
    await other.query('COMMIT');
  };
  return { target, interrupt, sweep, inspect, indexes, failByHand };
}

function recordOf(proof: JsonObject): Remnant {
  return {
    id: 1,
    targetId: 'shop',
    taskId: 'task',
    taskType: 'INDEX_REBUILD',
    fence: 1,
    kind: 'index',
    proof,
    recordedAt: new Date(),
  };
}

const running = { key: 'public.t_pkey', state: 'RUNNING' } as const;

describe.each(majors)('a rebuild cut short on PostgreSQL %i', (major) => {
  it('before the new index took its place: the unfinished one is swept, and the work is not done', async () => {
    const { interrupt, sweep, inspect, indexes } = await setup(major);
    const remnant = await interrupt(olderSnapshot, 'waiting for old snapshots');
    expect(await indexes()).toEqual(['t_pkey', 't_pkey_ccnew invalid']);
    expect(await inspect([remnant], [running])).toEqual({ kind: 'not_done' });
    expect(await sweep(remnant)).toEqual({ outcome: 'swept', note: 'dropped public.t_pkey_ccnew' });
    expect(await indexes()).toEqual(['t_pkey']);
    expect(await sweep(remnant)).toMatchObject({ outcome: 'absent' });
  });

  it('after it: the old one is swept, and the work is done', async () => {
    const { interrupt, sweep, inspect, indexes } = await setup(major);
    const remnant = await interrupt(reader, 'waiting for readers before marking dead');
    expect(await indexes()).toEqual(['t_pkey', 't_pkey_ccold invalid']);
    expect(await inspect([remnant], [running])).toEqual({
      kind: 'done',
      result: { planned: 1, done: 1, found_done: ['public.t_pkey'] },
    });
    expect(await sweep(remnant)).toEqual({ outcome: 'swept', note: 'dropped public.t_pkey_ccold' });
    expect(await indexes()).toEqual(['t_pkey']);
  });
});

describe('what a rebuild may leave behind', () => {
  it('is recorded before it begins, and closed as absent when it ends with success', async () => {
    const { target } = await setup();
    let before: unknown;
    const { remnants } = await runExecutor(
      target,
      indexRebuild,
      { indexes: ['t_pkey'] },
      {
        onRemnant: async () => {
          const { rows } = await target.owner.query(`SELECT 'public.t_pkey'::regclass::oid::int AS oid`);
          before = rows[0].oid;
        },
      },
    );
    expect(remnants).toMatchObject([{ kind: 'index', closed: { outcome: 'absent' } }]);
    const proof = readConcurrentProof(remnants[0]?.proof ?? {});
    expect(proof).toMatchObject({
      step: 'public.t_pkey',
      index: 't_pkey',
      index_oid: before,
      indexes_before: [before],
      database: target.database,
      application_name: 'slacktide/test/1',
    });
  });

  it('is not begun when it cannot be recorded', async () => {
    const { target, indexes } = await setup();
    const file = async () => (await target.owner.query(`SELECT pg_relation_filenode('public.t_pkey')`)).rows[0];
    const before = await file();
    const refused = runExecutor(
      target,
      indexRebuild,
      { indexes: ['t_pkey'] },
      { onRemnant: () => Promise.reject(new Error('the right to act is gone')) },
    );
    await expect(refused).rejects.toThrow('the right to act is gone');
    expect(await file()).toEqual(before);
    expect(await indexes()).toEqual(['t_pkey']);
  });

  it('is closed as swept when its own session could take it back, and stays open when it could not', async () => {
    const { target } = await setup();
    const other = await target.connect();
    await other.query(olderSnapshot);
    const config = { indexes: ['t_pkey'], gate: 'go', lock_timeout_seconds: 1 };
    expect((await runExecutor(target, indexRebuild, config)).remnants).toMatchObject([
      { closed: { outcome: 'swept', note: 'public.t_pkey_ccnew' } },
    ]);
    await other.query('SELECT * FROM public.t LIMIT 1'); // now the drop has to wait, too
    const [left] = (await runExecutor(target, indexRebuild, config)).remnants;
    expect(left?.closed).toBeUndefined();
  });
});

describe('a sweep', () => {
  it('touches nothing that was there before, whatever its name', async () => {
    const { target, failByHand, sweep, indexes } = await setup();
    await failByHand();
    const recorded: NewRemnant[] = [];
    // The leftover keeps the rebuild from beginning; the record is made as if it had begun all the same.
    await target.owner.query('CREATE INDEX i ON public.t (n)');
    await runExecutor(
      target,
      indexRebuild,
      { indexes: ['i'] },
      { onRemnant: async (remnant) => recorded.push(remnant) },
    );
    const proof = { ...recorded[0]?.proof, index: 't_pkey', step: 'public.t_pkey' };
    expect(await sweep(recordOf(proof))).toMatchObject({ outcome: 'absent' });
    expect(await indexes()).toContain('t_pkey_ccnew invalid');
  });

  it('touches neither of two when one of them is somebody else’s', async () => {
    const { interrupt, failByHand, sweep, indexes } = await setup();
    const remnant = await interrupt(olderSnapshot, 'waiting for old snapshots');
    await failByHand();
    expect(await sweep(remnant)).toEqual({
      outcome: 'kept',
      note: expect.stringContaining('public.t_pkey_ccnew, public.t_pkey_ccnew1'),
    });
    expect(await indexes()).toEqual(['t_pkey', 't_pkey_ccnew invalid', 't_pkey_ccnew1 invalid']);
  });

  it('leaves the copies of other indexes, and valid ones of such a name, alone', async () => {
    const { target, interrupt, failByHand, sweep, indexes } = await setup();
    await target.owner.query('CREATE INDEX other_idx ON public.t (n)');
    const remnant = await interrupt(olderSnapshot, 'waiting for old snapshots');
    await failByHand('other_idx');
    await target.owner.query('CREATE INDEX t_pkey_ccnew9 ON public.t (n)');
    expect(await sweep(remnant)).toMatchObject({ outcome: 'swept' });
    expect(await indexes()).toEqual(['other_idx', 'other_idx_ccnew invalid', 't_pkey', 't_pkey_ccnew9']);
  });

  it('is put off while somebody works on the table or keeps its lock', async () => {
    const { target, interrupt, sweep, indexes } = await setup();
    const remnant = await interrupt(olderSnapshot, 'waiting for old snapshots');
    const other = await target.connect();
    await other.query('BEGIN; LOCK TABLE public.t IN SHARE UPDATE EXCLUSIVE MODE');
    await expect(sweep(remnant)).rejects.toMatchObject({
      code: 'lock_timeout',
      message: 'public.t_pkey_ccnew stays for now: its table is being worked on',
    });
    // Whoever only reads the table is not at work there, and keeps the lock all the same.
    await other.query('COMMIT; BEGIN; SELECT * FROM public.t LIMIT 1');
    await expect(sweep(remnant)).rejects.toMatchObject({
      code: 'lock_timeout',
      message: expect.stringContaining('public.t_pkey_ccnew could not be dropped'),
    });
    await other.query('COMMIT');
    expect(await indexes()).toEqual(['t_pkey', 't_pkey_ccnew invalid']);
    expect(await sweep(remnant)).toMatchObject({ outcome: 'swept' });
  });

  it.each<[string, JsonObject]>([
    ['another system', { system_identifier: '1' }],
    ['another database', { database: 'elsewhere' }],
    ['something else', { indexes_before: 'none' }],
  ])('keeps what a record of %s is about', async (_, changes) => {
    const { interrupt, sweep, indexes } = await setup();
    const remnant = await interrupt(olderSnapshot, 'waiting for old snapshots');
    const { proof } = remnant;
    expect(await sweep(recordOf({ ...proof, ...changes }))).toMatchObject({ outcome: 'kept' });
    expect(await indexes()).toEqual(['t_pkey', 't_pkey_ccnew invalid']);
  });
});

describe('an inspection', () => {
  it('finds work not done while a step waits, never began, has no record, or its index is gone', async () => {
    const { target, interrupt, inspect } = await setup();
    const remnant = await interrupt(reader, 'waiting for readers before marking dead');
    const done = { key: 'public.a', state: 'SUCCEEDED' } as const;
    expect(await inspect([remnant], [done, running])).toMatchObject({ kind: 'done', result: { planned: 2, done: 2 } });
    const notDone = { kind: 'not_done' };
    expect(await inspect([remnant], [running, { key: 'public.b', state: 'PENDING' }])).toEqual(notDone);
    expect(await inspect([remnant], [])).toEqual(notDone);
    expect(await inspect([], [running])).toEqual(notDone);
    expect(await inspect([remnant], [{ ...running, key: 'public.other' }])).toEqual(notDone);
    await target.owner.query('ALTER TABLE public.t DROP CONSTRAINT t_pkey');
    expect(await inspect([remnant], [running])).toEqual(notDone);
  });
});
