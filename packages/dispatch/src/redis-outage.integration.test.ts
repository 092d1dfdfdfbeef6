import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Delivery } from '@slacktide/application';
import { TaskAbort } from '@slacktide/application';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startRedis } from '../../../test/support/redis.ts';
import { RedisAway } from './connection.ts';
import { flowOf, openDispatch, task, types } from './dispatch.fixture.ts';

/** Tries until it holds: other work may have the machine meanwhile. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 15_000, interval: 5 });

const done: Delivery = { kind: 'done' };
const lease = { targetId: 't', access: 'act', holder: 'h', fence: 1, lifeMs: 10_000 } as const;

async function ownRedis(): Promise<Awaited<ReturnType<typeof startRedis>>> {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  return server;
}

/** A way to a Redis that can be cut: while it is, connections are refused, as by a Redis that is down. */
async function wayTo(port: number): Promise<{ readonly url: string; cut(): Promise<void>; mend(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined).on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  const listen = async (at: number): Promise<void> => {
    proxy.listen(at, '127.0.0.1');
    await once(proxy, 'listening');
  };
  await listen(0);
  const { port: own } = proxy.address() as AddressInfo;
  const cut = async (): Promise<void> => {
    const closed = once(proxy, 'close');
    proxy.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  onTestFinished(() => (proxy.listening ? cut() : undefined));
  return { url: `redis://127.0.0.1:${own}`, cut, mend: () => listen(own) };
}

it('rejects at once while Redis is down, and works again when it is back', async () => {
  const server = await ownRedis();
  const way = await wayTo(server.port);
  await using dispatch = openDispatch(way.url);
  await using direct = openDispatch(server.url);
  const delivered = vi.fn(async () => done);
  dispatch.track(dispatch.startTaskWorkers({ types, concurrency: 1, process: delivered }));
  await dispatch.flows.add(flowOf([task()]));
  await eventually(() => expect(delivered).toHaveBeenCalledOnce());
  await way.cut();
  await eventually(() => expect(dispatch.errors).not.toEqual([]));

  const flow = flowOf([task()]);
  await expect(dispatch.flows.add(flow)).rejects.toThrow(RedisAway);
  await expect(dispatch.flows.remove(flow)).rejects.toThrow(RedisAway);
  const timer = { id: 's', cronExpression: '0 3 * * *', timezone: 'UTC' };
  await expect(dispatch.tickTimers.set(timer)).rejects.toThrow(RedisAway);
  await expect(dispatch.targetLeases.acquire(lease)).rejects.toThrow('Redis is away: could not take a lease');
  await expect(dispatch.queueFigures()).rejects.toThrow(RedisAway);
  expect(await dispatch.redisProbe()).toMatchObject({ status: 'UNHEALTHY' });

  // As after a restart without a file: no keys, no scripts.
  await direct.redis.flushall();
  await direct.redis.script('FLUSH');
  await way.mend();
  await eventually(async () => await dispatch.flows.add(flow));
  await eventually(() => expect(delivered).toHaveBeenCalledTimes(2));
  expect(await dispatch.targetLeases.acquire(lease)).toEqual({ kind: 'acquired' });
});

it('rejects within its limit when Redis is there but does not answer', async () => {
  const server = await ownRedis();
  await using dispatch = openDispatch(server.url);
  await dispatch.flows.add(flowOf([task()]));
  process.kill(server.pid, 'SIGSTOP');
  const flow = flowOf([task()]);
  try {
    await expect(dispatch.flows.add(flow)).rejects.toThrow(RedisAway);
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
  await eventually(async () => await dispatch.flows.add(flow));
});

it('opens, rejects and closes where there never was a Redis', async () => {
  const server = await ownRedis();
  await server.stop();
  await using dispatch = openDispatch(server.url);
  const workers = dispatch.startTaskWorkers({ types, concurrency: 1, process: async () => done });
  await expect(dispatch.flows.add(flowOf([task()]))).rejects.toThrow(RedisAway);
  expect(await workers.stop({ deadlineMs: 1_000 })).toBe('drained');
});

it('lets workers stop while Redis is down', async () => {
  const server = await ownRedis();
  await using dispatch = openDispatch(server.url);
  const started = Promise.withResolvers<AbortSignal>();
  const workers = dispatch.startTaskWorkers({
    types,
    concurrency: 1,
    process: async ({ signal }) => {
      started.resolve(signal);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return done;
    },
  });
  await dispatch.flows.add(flowOf([task()]));
  const signal = await started.promise;
  await server.stop();
  expect(await workers.stop({ deadlineMs: 50, graceMs: 50 })).toBe('aborted');
  expect(signal.reason).toEqual(new TaskAbort('draining'));
});

it('finishes a flow that was added again after Redis was emptied, and leaves the work in hand alone', async () => {
  const server = await ownRedis();
  await using dispatch = openDispatch(server.url);
  const first = task([], 'CHECKPOINT');
  const second = task([first]);
  const flow = flowOf([second]);
  const held = Promise.withResolvers<void>();
  const signals: AbortSignal[] = [];
  const over = new Set<string>();
  dispatch.track(
    dispatch.startTaskWorkers({
      types,
      concurrency: 4,
      process: async ({ taskId, signal }) => {
        if (taskId === first.taskId && !over.has(taskId)) {
          signals.push(signal);
          // As the ledger would answer: running elsewhere.
          if (signals.length > 1) return { kind: 'later', delayMs: 50 };
          await held.promise;
          over.add(taskId);
        }
        return done;
      },
    }),
  );
  const finalise = vi.fn(async () => done);
  dispatch.track(dispatch.startFinaliseWorker({ finalise }));
  await dispatch.flows.add(flow);
  await eventually(() => expect(signals).toHaveLength(1));
  await dispatch.redis.flushall();
  await dispatch.flows.add(flow);
  await eventually(() => expect(signals.length).toBeGreaterThan(1));
  held.resolve();
  await eventually(() => expect(finalise).toHaveBeenCalledOnce());
  expect(signals[0]?.aborted).toBe(false);
});

it('leaves no connection behind', async () => {
  const server = await ownRedis();
  const dispatch = openDispatch(server.url);
  dispatch.track(dispatch.startTaskWorkers({ types, concurrency: 1, process: async () => done }));
  await dispatch.flows.add(flowOf([task()]));
  await dispatch[Symbol.asyncDispose]();
  const socket = connect(server.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await eventually(async () => {
    const text = await new Promise<string>((resolve) => {
      socket.once('data', (data) => resolve(String(data)));
      socket.write('CLIENT LIST\r\n');
    });
    expect(text.match(/ addr=/g)).toHaveLength(1);
  });
});
