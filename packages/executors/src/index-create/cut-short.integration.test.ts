import type { InterruptedWork, Remnant, StepOutcome, TargetSession } from '@slacktide/application/ports';
import type { JsonObject, Step } from '@slacktide/domain';
import { createPostgresGateway } from '@slacktide/targets';
import { describe, expect, it } from 'vitest';
import { runExecutor } from '../../../../test/support/run-executor.ts';
import { freshTarget } from '../../../../test/support/target.ts';
import { indexCreate } from './index.ts';
import type { IndexCreateConfig } from './schema.ts';

const olderSnapshot = 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM public.other';

/** A partitioned table whose index is being made, and what recovery does with what is left of it. */
async function setup(major: 14 | 18) {
  const target = await freshTarget(major);
  await target.owner.query(`
    CREATE TABLE public.other (n int);
    CREATE TABLE public.parted (id int, n int) PARTITION BY RANGE (id);
    CREATE TABLE public.p1 PARTITION OF public.parted FOR VALUES FROM (0) TO (100);
    CREATE TABLE public.p2 PARTITION OF public.parted FOR VALUES FROM (100) TO (200);
    CREATE TABLE public.plain (n int);
    INSERT INTO public.plain SELECT generate_series(1, 100)`);
  const gateway = createPostgresGateway({ env: target.env });
  const act = <T>(use: (session: TargetSession) => Promise<T>): Promise<T> =>
    gateway.act(
      target.address,
      { applicationName: 'slacktide/next/2', statementTimeoutMs: 60_000, signal: new AbortController().signal },
      use,
    );
  /** Runs until `endAt` has to wait for an older snapshot, and loses the session there. */
  const interrupt = async (config: Partial<IndexCreateConfig>, endAt: string) => {
    const steps: Partial<Step>[] = [];
    const proofs: JsonObject[] = [];
    const somebody = await target.connect();
    let ended: Promise<unknown> | undefined;
    let current = '';
    const executor: typeof indexCreate = {
      ...indexCreate,
      async runStep(step, run) {
        const state = { key: step.key, state: 'RUNNING' as Step['state'], result: null as Step['result'], error: null };
        steps.push(state);
        if (step.key === endAt) await somebody.query(olderSnapshot);
        current = step.key;
        const outcome: StepOutcome = await indexCreate.runStep(step, { ...run, config: { ...run.config, gate: 'go' } });
        Object.assign(state, {
          state: outcome.kind === 'done' ? 'SUCCEEDED' : 'FAILED',
          result: outcome.kind === 'done' ? outcome.result : null,
        });
        return outcome;
      },
    };
    const onProgress = ({ phase }: { phase: string }): void => {
      // Others may be in that phase for an instant.
      if (current !== endAt || phase !== 'waiting for old snapshots') return;
      ended ??= target.admin.query(
        `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'slacktide/test/1' AND datname = current_database()`,
      );
    };
    const onRemnant = async ({ proof }: { proof: JsonObject }) => proofs.push(proof);
    await expect(runExecutor(target, executor, config as JsonObject, { onProgress, onRemnant })).rejects.toMatchObject({
      code: 'session_lost',
    });
    await ended;
    await somebody.query('COMMIT');
    const last = proofs.at(-1) ?? {};
    return { steps, remnants: [{ proof: last } as Remnant], config: indexCreate.taskType.config.parse(config) };
  };
  type Work = Awaited<ReturnType<typeof interrupt>>;
  const asWork = (work: Work) => work as unknown as InterruptedWork<IndexCreateConfig>;
  return {
    target,
    act,
    interrupt,
    inspect: (work: Work) => act(async (session) => await indexCreate.inspect?.(session, asWork(work))),
    rollBack: (work: Work) => act(async (session) => await indexCreate.rollBack?.(session, asWork(work))),
    sweep: (proof: JsonObject) =>
      act(async (session) => await indexCreate.sweep?.(session, { id: 1, proof } as Remnant, { fileRoots: [] })),
    indexes: async (): Promise<string[]> => {
      const { rows } = await target.owner.query(
        `SELECT relname || CASE WHEN indisvalid THEN '' ELSE ' invalid' END AS name FROM pg_class JOIN pg_index ON indexrelid = oid
         WHERE relnamespace = 'public'::regnamespace ORDER BY 1`,
      );
      return rows.map(({ name }) => name);
    },
  };
}

const column = { name: 'n', order: 'asc', nulls: null, opclass: null } as const;

describe.each([14, 18] as const)('INDEX_CREATE cut short on PostgreSQL %i', (major) => {
  it('of a plain table is taken back', async () => {
    const { interrupt, inspect, rollBack, sweep, indexes } = await setup(major);
    const work = await interrupt({ table: 'plain', columns: [column] }, 'public.plain_n_idx');
    expect(await indexes()).toEqual(['plain_n_idx invalid']);
    expect(await inspect(work)).toEqual({ kind: 'not_done' });
    expect(await rollBack(work)).toEqual({ dropped: ['public.plain_n_idx'], kept: [] });
    expect(await indexes()).toEqual([]);
    expect(await rollBack(work)).toEqual({ dropped: [], kept: [] });
    expect(await sweep(work.remnants[0]?.proof ?? {})).toMatchObject({ outcome: 'absent' });
  });

  it('is found done when all of it was', async () => {
    const { target, interrupt, inspect } = await setup(major);
    const work = await interrupt({ table: 'parted', columns: [column] }, 'public.p2_n_idx');
    expect(await inspect(work)).toEqual({ kind: 'not_done' });
    await target.owner.query('REINDEX INDEX public.p2_n_idx; ALTER INDEX parted_n_idx ATTACH PARTITION p2_n_idx');
    expect(await inspect(work)).toMatchObject({ kind: 'done', result: { found_done: ['public.p2_n_idx'] } });
  });

  it('of a partitioned table is taken back as a whole, with what was not attached yet', async () => {
    const { interrupt, rollBack, indexes } = await setup(major);
    const work = await interrupt({ table: 'parted', columns: [column] }, 'public.p2_n_idx');
    expect(await indexes()).toEqual(['p1_n_idx', 'p2_n_idx invalid', 'parted_n_idx invalid']);
    expect(await rollBack(work)).toEqual({
      dropped: ['public.parted_n_idx', 'public.p1_n_idx', 'public.p2_n_idx'],
      kept: [],
    });
    expect(await indexes()).toEqual([]);
  });

  it('drops no index that was there before, nor what holds it', async () => {
    const { target, interrupt, rollBack, indexes } = await setup(major);
    await target.owner.query('CREATE INDEX mine ON public.p1 (n)');
    const work = await interrupt({ table: 'parted', columns: [column] }, 'public.p2_n_idx');
    expect(await rollBack(work)).toEqual({
      dropped: ['public.p2_n_idx'],
      kept: [{ index: 'public.parted_n_idx', reason: 'it holds public.mine, which was there before' }],
    });
    expect(await indexes()).toEqual(['mine', 'parted_n_idx invalid']);
  });

  it('sweeps a partitioned index without parts that its record proves to be ours, and no other', async () => {
    const { target, sweep, indexes } = await setup(major);
    const proofs: JsonObject[] = [];
    await runExecutor(
      target,
      indexCreate,
      { table: 'parted', columns: [column] },
      {
        onRemnant: async ({ proof }) => proofs.push(proof),
      },
    );
    const [proof = {}] = proofs;
    expect(proof).toMatchObject({ operation: 'create_partitioned', index: 'parted_n_idx' });
    expect(await sweep(proof)).toMatchObject({ outcome: 'absent' }); // complete, and so no leftover
    await target.owner.query('DROP INDEX parted_n_idx; CREATE INDEX parted_n_idx ON ONLY public.parted (n)');
    expect(await sweep({ ...proof, database: 'elsewhere' })).toMatchObject({ outcome: 'absent' });
    const reader = await target.connect();
    await reader.query('BEGIN; SELECT * FROM public.parted');
    expect(await sweep({ ...proof, indexes_before: [] }).catch((error: unknown) => error)).toMatchObject({
      code: 'lock_timeout',
    });
    await reader.query('COMMIT');
    expect(await sweep(proof)).toEqual({ outcome: 'swept', note: 'dropped public.parted_n_idx' });
    expect(await indexes()).toEqual([]);
  });

  it('leaves nothing when it is cancelled', async () => {
    const { target, indexes } = await setup(major);
    const somebody = await target.connect();
    await somebody.query(olderSnapshot);
    const stop = new AbortController();
    const onProgress = ({ phase }: { phase: string }): void => {
      if (phase === 'waiting for old snapshots') stop.abort();
    };
    const config = { table: 'plain', columns: [column], gate: 'go' };
    const cancelled = runExecutor(target, indexCreate, config, { onProgress, signal: stop.signal });
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    expect(await indexes()).toEqual([]);
  });
});
