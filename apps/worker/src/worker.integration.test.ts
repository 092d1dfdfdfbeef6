import { randomBytes } from 'node:crypto';
import { connectDispatch } from '@slacktide/dispatch';
import { executors } from '@slacktide/executors';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { executionsSetup, taskOf } from '../../../test/support/executions.ts';
import { readConfig } from './config.ts';
import { startWorker } from './worker.ts';

/** A worker in this process whose clock is off by what the test says, and a task that waits for it. */
async function setup(offByMs: () => number) {
  const ledger = await executionsSetup();
  const redisPrefix = `worker-${randomBytes(4).toString('hex')}`;
  const env = {
    DATABASE_URL: ledger.databaseUrl,
    REDIS_URL: inject('redisUrl'),
    REDIS_PREFIX: redisPrefix,
    METRICS_PORT: '0',
    LOG_LEVEL: 'silent',
    DRAIN_SECONDS: '0',
  };
  const config = readConfig(env, { taskTypes: ['INDEX_REBUILD'], concurrency: 1 });
  const worker = await startWorker(config, executors, { now: () => new Date(Date.now() + offByMs()) });
  onTestFinished(() => worker.stop());
  const dispatch = connectDispatch({
    redisUrl: inject('redisUrl'),
    prefix: redisPrefix,
    taskTypes: [],
    onError: vi.fn(),
  });
  onTestFinished(() => dispatch.close());
  const job = await ledger.addJob();
  const { id: taskId, type } = taskOf(job, 'rebuild');
  await dispatch.flows.add({
    jobId: job.id,
    generation: 1,
    traceparent: job.traceparent,
    trigger: job.trigger,
    roots: [{ taskId, type, children: [] }],
  });
  const stateNow = async () => (await ledger.sql`SELECT state FROM tasks WHERE id = ${taskId}`)[0]?.['state'];
  const ready = async () => {
    const answer = await fetch(`${worker.metricsUrl}/readyz`);
    return { status: answer.status, text: await answer.text() };
  };
  return { worker, ready, stateNow, skew: async () => (await ledger.connection.health.listWorkers())[0]?.clockSkewMs };
}

describe('a worker whose clock is off', () => {
  it.each([
    [3_000, 'ahead of'],
    [-7_200_000, 'behind'],
  ])('by %i ms says so and takes no work, until it is cured', async (offByMs, where) => {
    let off = offByMs;
    const { ready, skew, stateNow } = await setup(() => off);
    expect(await ready()).toEqual({
      status: 503,
      text: expect.stringMatching(
        new RegExp(`^not taking work: the clock of this worker is .* s ${where} the ledger's`),
      ),
    });
    await expect.poll(async () => Math.abs(((await skew()) ?? 0) - offByMs)).toBeLessThan(1_000);
    expect(await stateNow()).toBe('PENDING');
    off = 0;
    await expect.poll(ready, { timeout: 30_000 }).toMatchObject({ status: 200 });
    await expect.poll(stateNow, { timeout: 30_000 }).not.toBe('PENDING');
  });

  it('only a little takes work', async () => {
    const { ready, stateNow } = await setup(() => 1_000);
    expect(await ready()).toMatchObject({ status: 200 });
    await expect.poll(stateNow, { timeout: 30_000 }).not.toBe('PENDING');
  });
});
