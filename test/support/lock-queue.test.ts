import { expect, it } from 'vitest';
import { type LockWait, queueBehind, watchQueues } from './lock-queue.ts';
import { freshTarget } from './target.ts';

const waiting = (pid: number, ...blockedBy: number[]): LockWait => ({
  pid,
  application: 'pgbench',
  mode: 'AccessShareLock',
  relation: 't',
  waitedMs: 10 * pid,
  blockedBy,
});
const pids = (waits: readonly LockWait[]): number[] => waits.map(({ pid }) => pid);

it('tells who waits for what we have from who waits because we ask, also by way of others', () => {
  const ours = new Set([1, 2]);
  const waits = [waiting(1, 9), waiting(3, 1), waiting(4, 3), waiting(5, 2), waiting(6, 8), waiting(7, 6)];
  const { asking, holding } = queueBehind(waits, ours);
  expect(pids(asking)).toEqual([3, 4]);
  expect(pids(holding)).toEqual([5]);
  // Two that wait for each other end the search.
  expect(queueBehind([waiting(3, 4), waiting(4, 3)], ours)).toEqual({ asking: [], holding: [] });
});

it('sees on a server whom a session of ours holds up, and for how long', async () => {
  const target = await freshTarget(18);
  await target.owner.query('CREATE TABLE t (n int)');
  const [ours, reader, second] = await Promise.all([target.connect(), target.connect(), target.connect()]);
  await ours.query(`SET application_name = 'slacktide/test/1'`);
  await ours.query('BEGIN; LOCK TABLE t');
  const onlooker = await target.connect('admin');
  const queues = watchQueues(onlooker, { everyMs: 1 });
  const reads = Promise.all([reader.query('SELECT FROM t'), second.query('SELECT FROM t')]);
  const waits = `SELECT FROM pg_locks WHERE NOT granted AND waitstart < clock_timestamp() - interval '50 ms' AND relation = 't'::regclass`;
  await expect.poll(async () => (await target.owner.query(waits)).rowCount, { interval: 10 }).toBe(2);
  await ours.query('COMMIT');
  await reads;
  const { asking, holding, looks } = await queues.stop();
  expect(looks).toBeGreaterThan(1);
  expect(asking).toEqual({ longestMs: 0, sessions: 0, wait: null });
  expect(holding).toMatchObject({ sessions: 2, wait: { relation: 't', mode: 'AccessShareLock' } });
  expect(holding.longestMs).toBeGreaterThan(0);
});
