import { AppError } from '@slacktide/application';
import { TargetError } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { describe, expect, it, vi } from 'vitest';
import { setup } from './setup.ts';

const away = () => Promise.reject(new AppError('ledger_unavailable', 'the ledger is away'));

describe('runTask', () => {
  it('acts only when claim, lease, advisory lock and intent are in place, and frees all of them', async () => {
    const during: JsonObject[] = [];
    const it = await setup(async ({ session }) => {
      const [row] = await it.sql`SELECT state, intent_pid AS pid, attempt FROM tasks WHERE id = ${it.taskId}`;
      const locks = await it.target.admin.query(
        `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      during.push({ ...row, locked_by: locks.rows.map(({ pid }) => pid), acting: session.identity.pid });
      return {};
    });
    expect(await it.run()).toEqual({ kind: 'done' });
    const [at] = during;
    expect(at).toMatchObject({ state: 'RUNNING', attempt: 1, pid: at?.['acting'], locked_by: [at?.['acting']] });
    expect(await it.taskNow()).toMatchObject({ state: 'SUCCEEDED', progress: 100, steps: [{ state: 'SUCCEEDED' }] });
    expect(await it.sql`SELECT FROM leases`).toHaveLength(0);
    expect(it.seen.finished).toHaveBeenCalledTimes(1);
    expect(it.running.size).toBe(0);
    expect(await it.run()).toEqual({ kind: 'done' }); // delivered twice, run once
    expect(during).toHaveLength(1);
  });

  it('does not lose an outcome to a short absence of the ledger, and does not act twice', async () => {
    let absences = 2;
    const act = vi.fn(async () => ({}));
    const it = await setup(act, (real) => ({
      finish: (...args) => (absences-- > 0 ? away() : real.finish(...args)),
    }));
    expect(await it.run()).toEqual({ kind: 'done' });
    expect(await it.taskNow()).toMatchObject({ state: 'SUCCEEDED' });
    expect(act).toHaveBeenCalledTimes(1);
    expect(it.seen.unexpected).not.toHaveBeenCalled();
  });

  it('hands the task back when the ledger goes away before anything was done', async () => {
    const act = vi.fn(async () => ({}));
    const it = await setup(act, () => ({ gate: away }));
    await expect(it.run()).rejects.toMatchObject({ code: 'ledger_unavailable' });
    expect(await it.taskNow()).toMatchObject({ state: 'PENDING', attempt: 0 });
    expect(act).not.toHaveBeenCalled();
  });

  it('comes again later while another session has the target, in PostgreSQL or in Redis', async () => {
    const act = vi.fn(async () => ({}));
    const it = await setup(act);
    const release = Promise.withResolvers<void>();
    const holding = Promise.withResolvers<void>();
    const holder = it.deps.gateway.act(
      { ...it.target.address },
      { applicationName: 'slacktide/other/1', statementTimeoutMs: 60_000, signal: new AbortController().signal },
      async () => {
        holding.resolve();
        await release.promise;
      },
    );
    await holding.promise;
    expect(await it.run()).toMatchObject({ kind: 'later' });
    release.resolve();
    await holder;

    const lease = { targetId: 'shop', access: 'act', holder: 'another', fence: 99, lifeMs: 60_000 } as const;
    await it.deps.leases.acquire(lease);
    expect(await it.run()).toMatchObject({ kind: 'later' });
    await it.deps.leases.release(lease);
    expect(await it.taskNow()).toMatchObject({ state: 'PENDING', attempt: 0 });
    expect(act).not.toHaveBeenCalled();
    expect(await it.run()).toEqual({ kind: 'done' });
    expect(await it.taskNow()).toMatchObject({ state: 'SUCCEEDED', attempt: 1 });
  });

  it('begins no later step of an executor in order once one was not done, and says so of each', async () => {
    const begun: string[] = [];
    const act = async (_: unknown, key: string): Promise<JsonObject> => {
      begun.push(key);
      if (key === 'b') throw new TargetError('statement_failed', 'no');
      return {};
    };
    const inOrder = await setup({ act, keys: ['a', 'b', 'c', 'd'], inOrder: true, class: 'never_retry' });
    expect(await inOrder.run()).toEqual({ kind: 'done' });
    expect(begun.splice(0)).toEqual(['a', 'b']);
    expect(await inOrder.taskNow()).toMatchObject({
      state: 'FAILED',
      error: { code: 'statement_failed' },
      result: {
        done: 1,
        failed: 1,
        skipped: [
          { object: 'c', reason: 'earlier_step_not_done' },
          { object: 'd', reason: 'earlier_step_not_done' },
        ],
      },
      steps: [
        { state: 'SUCCEEDED' },
        { state: 'FAILED' },
        { state: 'SKIPPED', reason: 'earlier_step_not_done' },
        { state: 'SKIPPED', reason: 'earlier_step_not_done' },
      ],
    });
    const independent = await setup({ act, keys: ['a', 'b', 'c'] });
    await independent.run();
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  it('cancels the statement in flight, and the task', async () => {
    const started = Promise.withResolvers<void>();
    const it = await setup(async ({ session }) => {
      started.resolve();
      await session.execute('SELECT pg_sleep(60)');
      return {};
    });
    const running = it.run();
    await started.promise;
    it.running.abortJob(it.job.id, 'cancelled');
    expect(await running).toEqual({ kind: 'done' });
    expect(await it.taskNow()).toMatchObject({
      state: 'CANCELLED',
      steps: [{ state: 'CANCELLED', reason: 'cancelled' }],
    });
  });

  it('hands an idempotent task back when its worker has to stop', async () => {
    const it = await setup(async ({ signal }) => {
      it.running.abortAll('draining');
      signal.throwIfAborted();
      return {};
    });
    expect(await it.run()).toMatchObject({ kind: 'later' });
    expect(await it.taskNow()).toMatchObject({ state: 'PENDING' });
  });

  it('fails a task whose target refuses it, with a code, as one attempt', async () => {
    const it = await setup(async () => ({}));
    await it.sql`UPDATE targets SET secret_ref = 'env:NOWHERE' WHERE id = 'shop'`;
    expect(await it.run()).toEqual({ kind: 'done' });
    expect(await it.taskNow()).toMatchObject({ state: 'FAILED', attempt: 1, error: { code: 'secret_unavailable' } });
  });

  it('keeps what nobody foresaw out of the ledger, and tells it to the log', async () => {
    const it = await setup(() => Promise.reject(new Error('postgresql://u:hunter2@db/x exploded')));
    expect(await it.run()).toEqual({ kind: 'done' });
    const task = await it.taskNow();
    expect(task).toMatchObject({ state: 'FAILED', error: { code: 'internal_error' } });
    expect(JSON.stringify(task)).not.toContain('hunter2');
    expect(it.seen.unexpected.mock.calls[0]?.[1]).toMatchObject({ message: expect.stringContaining('exploded') });
  });

  it('stops at once when its lease is lost, and writes nothing over its successor', async () => {
    const it = await setup(async ({ session }) => {
      await it.sql`UPDATE leases SET fence = fence + 1`;
      await it.sql`UPDATE tasks SET fence = fence + 1, worker_id = 'w2' WHERE id = ${it.taskId}`;
      it.running.abortAll('lease_lost');
      await session.execute('SELECT 1').catch((error: unknown) => {
        expect(error).toBeInstanceOf(TargetError);
        throw error;
      });
      return {};
    });
    expect(await it.run()).toMatchObject({ kind: 'later' });
    expect(await it.taskNow()).toMatchObject({ state: 'RUNNING' });
    expect(it.seen.finished).not.toHaveBeenCalled();
  });

  it('leaves no step waiting when the gate closes while it plans', async () => {
    let looks = 0;
    const act = vi.fn(async () => ({}));
    const it = await setup(act, (real) => ({
      gate: async (claimed) =>
        looks++ === 0 ? await real.gate(claimed) : { kind: 'closed', reason: 'outside_window' },
    }));
    expect(await it.run()).toEqual({ kind: 'done' });
    expect(await it.taskNow()).toMatchObject({
      state: 'SKIPPED',
      reason: 'outside_window',
      steps: [{ state: 'SKIPPED', reason: 'outside_window' }],
    });
    expect(act).not.toHaveBeenCalled();
  });

  it('does not take a lease that was lost before the intent for a fault of its executor', async () => {
    const act = vi.fn(async () => ({}));
    const it = await setup(act, () => ({ recordIntent: async () => false }));
    expect(await it.run()).toMatchObject({ kind: 'later' });
    expect(await it.taskNow()).toMatchObject({ state: 'PENDING' });
    expect(it.seen.unexpected).not.toHaveBeenCalled();
    expect(act).not.toHaveBeenCalled();
  });
});
