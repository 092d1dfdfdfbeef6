import { describe, expect, it, vi } from 'vitest';
import type { Signal } from '../ports/index.ts';
import { HealthRegistry } from './health-registry.ts';

const now = new Date('2026-11-22T03:00:00Z');

function setup(signals: readonly Signal[] = []) {
  // This process's clock is two hours ahead of the ledger's.
  const ahead = () => new Date(now.getTime() + 7_200_000);
  return new HealthRegistry({
    store: { listSignals: async () => signals },
    now: ahead,
    ledgerNow: async () => now,
    limitMs: 20,
  });
}

describe('HealthRegistry', () => {
  it('reports worst first and is as bad as its worst module', async () => {
    const registry = setup();
    registry.registerProbe('fine', async () => ({ status: 'HEALTHY', message: 'ok' }));
    registry.registerProbe('bad', async () => ({ status: 'UNHEALTHY', message: 'down' }));
    registry.registerProbe('meh', async () => ({ status: 'DEGRADED', message: 'slow' }));
    await registry.refresh();
    const report = await registry.report();
    expect(report.status).toBe('UNHEALTHY');
    expect(report.modules.map(({ module }) => module)).toEqual(['bad', 'meh', 'fine']);
  });

  it('counts a probe that rejects or never answers as unhealthy', async () => {
    const registry = setup();
    registry.registerProbe('rejects', () => Promise.reject(new Error('no route')));
    registry.registerProbe('hangs', () => new Promise(() => undefined));
    await registry.refresh();
    expect((await registry.report()).modules).toMatchObject([
      { module: 'hangs', status: 'UNHEALTHY', message: 'no answer within 20 ms' },
      { module: 'rejects', status: 'UNHEALTHY', message: 'no route' },
    ]);
  });

  it('is unhealthy before anything was asked: an empty answer is never healthy', async () => {
    expect((await setup().report()).status).toBe('UNHEALTHY');
  });

  it('shows pushed signals while they live, and a target that nobody looks at any more', async () => {
    const signal = { status: 'HEALTHY', message: 'fine', at: new Date(now.getTime() - 60_000) } as const;
    const registry = setup([
      { ...signal, module: 'fresh', expiresAt: new Date(now.getTime() + 1000) },
      { ...signal, module: 'over', expiresAt: now },
      { ...signal, module: 'target:seen', expiresAt: new Date(now.getTime() + 1000) },
      { ...signal, module: 'target:shop', expiresAt: new Date(now.getTime() - 1000) },
    ]);
    const unseen = 'not looked at since 2026-11-22T02:59:00.000Z; last seen: fine';
    expect((await registry.report()).modules).toEqual([
      { module: 'target:shop', status: 'UNHEALTHY', message: unseen, checkedAt: signal.at },
      { module: 'fresh', status: 'HEALTHY', message: 'fine', checkedAt: signal.at },
      { module: 'target:seen', status: 'HEALTHY', message: 'fine', checkedAt: signal.at },
    ]);
  });

  it('replaces a probe of the same name and forgets one that was unregistered', async () => {
    const registry = setup();
    const first = vi.fn(async () => ({ status: 'UNHEALTHY' as const, message: 'old' }));
    registry.registerProbe('m', first);
    const unregister = registry.registerProbe('m', async () => ({ status: 'HEALTHY', message: 'new' }));
    await registry.refresh();
    expect((await registry.report()).modules).toMatchObject([{ module: 'm', message: 'new' }]);
    expect(first).not.toHaveBeenCalled();
    unregister();
    expect((await registry.report()).modules).toEqual([]);
  });
});
