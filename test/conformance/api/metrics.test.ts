import { terminalStates } from '@slacktide/domain';
import { taskTypes } from '@slacktide/executors/schemas';
import { expect, it } from 'vitest';
import { parseMetrics } from './support/parse-metrics.ts';
import { startApi } from './support/start-api.ts';

it('are text that Prometheus reads, with every task type and state from the start', async () => {
  const { call } = await startApi({ worker: null });
  const answer = await call('GET /metrics', { key: null });
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const { samples, types } = parseMetrics(answer.text);
  expect(types.get('maintenance_task_total')).toBe('counter');
  const tasks = samples.filter(({ name }) => name === 'maintenance_task_total');
  expect(tasks).toHaveLength(taskTypes.length * terminalStates.length);
  expect(tasks).toContainEqual({
    name: 'maintenance_task_total',
    labels: { task_type: 'INDEX_REBUILD', status: 'succeeded', service: 'control-plane' },
    value: 0,
  });
});

it('count requests by route, never by what was in the path', async () => {
  const { call } = await startApi({ worker: null });
  await call('GET /jobs/01997c2e-5c00-7000-8000-000000000000');
  await call('GET /jobs/other');
  await call('GET /jobs', { key: null });
  const { samples, types } = parseMetrics((await call('GET /metrics')).text);
  expect(types.get('maintenance_http_request_duration_seconds')).toBe('histogram');
  const counts = samples
    .filter(({ name }) => name === 'maintenance_http_request_duration_seconds_count')
    .map(({ labels, value }) => [labels['method'], labels['route'], labels['status'], value]);
  expect(counts).toEqual([
    ['get', '/api/v1/maintenance/jobs/{id}', '404', 2],
    ['get', '/api/v1/maintenance/jobs', '401', 1],
  ]);
});
