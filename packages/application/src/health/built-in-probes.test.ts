import { describe, expect, it } from 'vitest';
import type { WorkerHeartbeat } from '../ports/index.ts';
import { latenessProbe, ledgerProbe, outboxProbe, queueProbe, workersProbe } from './built-in-probes.ts';
import { neglectedTasksProbe } from './neglected-tasks-probe.ts';

const now = new Date('2026-11-22T03:00:00Z');
const worker = (id: string, secondsAgo: number): WorkerHeartbeat => ({
  id,
  host: 'h',
  version: '1',
  taskTypes: [],
  concurrency: 4,
  startedAt: now,
  lastSeenAt: new Date(now.getTime() - secondsAgo * 1000),
  draining: false,
  clockSkewMs: 0,
});

describe('the built-in probes', () => {
  it.each([
    [{ waiting: 0, active: 0, delayed: 0, failed: 0, workers: 0 }, 'HEALTHY'],
    [{ waiting: 3, active: 0, delayed: 0, failed: 0, workers: 1 }, 'HEALTHY'],
    [{ waiting: 1, active: 0, delayed: 0, failed: 0, workers: 0 }, 'UNHEALTHY'],
    [{ waiting: 0, active: 1, delayed: 0, failed: 0, workers: 0 }, 'UNHEALTHY'],
    [{ waiting: 0, active: 0, delayed: 1, failed: 0, workers: 0 }, 'UNHEALTHY'],
    [{ waiting: 0, active: 0, delayed: 0, failed: 2, workers: 1 }, 'DEGRADED'],
  ])('a queue with %j is %s: work without a worker waits for ever', async (figures, status) => {
    expect(await queueProbe(async () => figures)()).toMatchObject({ status });
  });

  it.each([
    [[], 'UNHEALTHY', 'no worker has signed on'],
    [[worker('a', 1)], 'HEALTHY', '1 alive'],
    [[worker('a', 1), worker('b', 60)], 'DEGRADED', 'silent: b on h'],
    [[worker('b', 60)], 'UNHEALTHY', 'no worker is alive: b on h'],
    [[worker('a', 1), worker('b', 601)], 'HEALTHY', '1 alive'],
    [[worker('a', 1), { ...worker('b', 601), taskTypes: ['CHECKPOINT'] }], 'DEGRADED', 'silent: b on h'],
  ])('workers %#', async (workers, status, message) => {
    const probe = workersProbe({ listWorkers: async () => workers }, async () => now);
    expect(await probe()).toEqual({ status, message: expect.stringContaining(message) });
  });

  it.each([
    [{ waiting: 0, oldestSeconds: 0 }, 'HEALTHY', '0 to be relayed'],
    [{ waiting: 9, oldestSeconds: 30 }, 'HEALTHY', '9 to be relayed'],
    [{ waiting: 2, oldestSeconds: 31.4 }, 'UNHEALTHY', '2 to be relayed, the oldest for 31 s'],
  ])('an outbox with %j is %s', async (backlog, status, message) => {
    expect(await outboxProbe({ backlog: async () => backlog })()).toEqual({
      status,
      message: expect.stringContaining(message),
    });
  });

  it('names a worker whose clock is off and who therefore takes no work', async () => {
    const workers = [
      { ...worker('a', 1), clockSkewMs: -2_400.4 },
      { ...worker('b', 1), clockSkewMs: 1_999 },
    ];
    expect(await workersProbe({ listWorkers: async () => workers }, async () => now)()).toEqual({
      status: 'DEGRADED',
      message: '2 alive; a on h takes no work: its clock is off by -2400 ms',
    });
  });

  it('names tasks that nobody runs although they are running, and those that wait for a person', async () => {
    const task = (taskId: string) => ({ taskId, jobId: 'j', key: 'k', type: 'REINDEX', targetId: 'shop' });
    const ask = (stuck: string[], unclear: string[]) =>
      neglectedTasksProbe({ listStuck: async () => stuck.map(task), listUnclear: async () => unclear.map(task) })();
    expect(await ask([], [])).toMatchObject({ status: 'HEALTHY' });
    expect(await ask(['t1'], ['t2'])).toEqual({
      status: 'DEGRADED',
      message: 'running without a worker: t1 (REINDEX on shop); waiting for an operator: t2 (REINDEX on shop)',
    });
    expect((await ask([], ['1', '2', '3', '4', '5', '6'])).message).toMatch(/5 \(REINDEX on shop\) and more$/);
  });

  it('names the schedule that is latest, once it is late by more than a hiccup', async () => {
    const late = (lateSeconds: number) =>
      latenessProbe({
        readLateness: async (lateAfterSeconds) => ({
          count: lateSeconds > lateAfterSeconds ? 1 : 0,
          worst: { scheduleId: 's', name: 'Nightly', lateSeconds },
        }),
      });
    expect(await late(5)()).toMatchObject({ status: 'HEALTHY' });
    expect(await late(90)()).toEqual({ status: 'UNHEALTHY', message: '1 late; worst: Nightly by 90 s' });
  });

  it('rejects when the ledger does not answer, which the registry takes for unhealthy', async () => {
    await expect(ledgerProbe({ ping: () => Promise.reject(new Error('away')) })()).rejects.toThrow('away');
    expect(await ledgerProbe({ ping: async () => undefined })()).toMatchObject({ status: 'HEALTHY' });
  });
});
