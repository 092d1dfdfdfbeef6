import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';

describe('createMetrics', () => {
  it('shows every task type with every final state from the start, so that rates have a zero to rise from', async () => {
    const { registry } = createMetrics({ service: 'worker', taskTypes: ['INDEX_REBUILD'] });
    const text = await registry.metrics();
    for (const status of ['succeeded', 'failed', 'cancelled', 'skipped']) {
      expect(text).toMatch(
        new RegExp(`maintenance_task_total\\{task_type="INDEX_REBUILD",status="${status}",service="worker"\\} 0`),
      );
    }
  });

  it('keeps two registries apart', async () => {
    const one = createMetrics({ service: 'a', taskTypes: [] });
    const two = createMetrics({ service: 'b', taskTypes: [] });
    one.jobTotal.inc({ status: 'failed' });
    expect(await two.registry.metrics()).not.toContain('maintenance_job_total{status="failed"');
  });
});
