import { randomBytes, randomUUID } from 'node:crypto';
import { connectDispatch } from '@slacktide/dispatch';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { freshLedger } from '../../../test/support/ledger.ts';
import { readConfig } from './config.ts';
import { startControlPlane } from './control-plane.ts';

const hourMs = 3_600_000;

it.each([2 * hourMs, -2 * hourMs])(
  'whose clock is off by %i ms takes no deliveries until it is put right',
  {
    timeout: 60_000,
  },
  async (wrongMs) => {
    let offMs = wrongMs;
    const redisPrefix = `control-plane-${randomBytes(4).toString('hex')}`;
    const config = readConfig({
      DATABASE_URL: await freshLedger(),
      REDIS_URL: inject('redisUrl'),
      REDIS_PREFIX: redisPrefix,
      PORT: '0',
      ROLES: 'dispatcher',
      LOG_LEVEL: 'silent',
    });
    const dispatch = connectDispatch({
      redisUrl: config.redisUrl,
      prefix: redisPrefix,
      taskTypes: [],
      onError: vi.fn(),
    });
    onTestFinished(() => dispatch.close());
    const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
    const controlPlane = await startControlPlane(config, { now: () => new Date(Date.now() + offMs) });
    onTestFinished(() => controlPlane.stop());
    await dispatch.flows.add({ jobId: randomUUID(), generation: 1, traceparent, trigger: 'manual', roots: [] });

    const waiting = async () => {
      const metrics = await (await fetch(`${controlPlane.url}/metrics`)).text();
      return /maintenance_queue_depth\{queue="finalise",state="waiting",.*\} (\d+)/.exec(metrics)?.[1];
    };
    // The control plane itself sees it waiting, seconds later.
    await vi.waitFor(async () => expect(await waiting()).toBe('1'), { timeout: 30_000, interval: 50 });
    offMs = 0;
    const atFinalise = async () => (await dispatch.queueFigures()).find(({ queue }) => queue === 'finalise');
    await vi.waitFor(async () => expect(await atFinalise()).toMatchObject({ waiting: 0 }), { timeout: 30_000 });
  },
);
