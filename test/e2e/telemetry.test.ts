import { describe, expect, it } from 'vitest';
import { startFleet } from './support/fleet.ts';
import { type ReceivedSpan, startOtlpReceiver } from './support/otlp-receiver.ts';
import { bloatedShop } from './support/shop.ts';

describe('tracing', () => {
  it('is one trace from the HTTP request through the queue to each SQL statement on the target', async () => {
    const receiver = await startOtlpReceiver();
    const fleet = await startFleet({ targetSql: bloatedShop, env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } });
    await fleet.api.post(
      '/schedules',
      {
        id: 'traced',
        name: 'traced',
        cron_expression: '@daily',
        target_ids: ['shop'],
        tasks: [
          { type: 'INDEX_REBUILD', config: { indexes: ['public.orders_placed_at'] } },
          { type: 'STATISTICS_UPDATE', config: { tables: ['orders'] } },
        ],
      },
      201,
    );
    const caller = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
    const id = await fleet.api.run('traced', { traceparent: `00-${caller.traceId}-${caller.spanId}-01` });
    const job = await fleet.api.watch(id);
    expect(job).toMatchObject({ state: 'SUCCEEDED', trace_id: caller.traceId });

    const ofTrace = (): ReceivedSpan[] => receiver.spans.filter(({ traceId }) => traceId === caller.traceId);
    const sql = (): string[] =>
      ofTrace()
        .flatMap(({ attributes }) => attributes['db.query.text'] ?? [])
        .map(String);
    await expect.poll(sql, { timeout: 15_000 }).toContainEqual(expect.stringMatching(/^ANALYZE /));
    await expect
      .poll(
        () =>
          ofTrace()
            .map(({ name }) => name)
            .filter((name) => /finalise/.test(name)),
        { timeout: 15_000 },
      )
      .not.toEqual([]);

    const spans = ofTrace();
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const ancestors = (span: ReceivedSpan): string[] => {
      const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId);
      return parent === undefined
        ? [span.parentSpanId ?? 'none']
        : [`${parent.service}: ${parent.name}`, ...ancestors(parent)];
    };
    const reindex = spans.find(({ attributes }) =>
      String(attributes['db.query.text']).startsWith('REINDEX INDEX CONCURRENTLY'),
    );
    if (reindex === undefined) throw new Error('no span of the REINDEX');
    const path = ancestors(reindex);
    expect(path[0]).toBe('slacktide-worker: task INDEX_REBUILD');
    expect(path).toContainEqual(expect.stringMatching(/^slacktide-worker: process index-rebuild/));
    expect(path).toContainEqual(expect.stringMatching(/^slacktide-control-plane: add/));
    expect(path).toContainEqual(expect.stringMatching(/^slacktide-control-plane: POST .*\/run/));
    expect(path.at(-1)).toBe(caller.spanId);
    expect(JSON.stringify(spans)).not.toMatch(/:postgres@/);
  });
});

describe('metrics', () => {
  it('are Prometheus text on control plane and worker, and count the tasks', async () => {
    const fleet = await startFleet({ targetSql: bloatedShop });
    await fleet.api.post(
      '/schedules',
      { id: 'm', name: 'm', cron_expression: '@daily', target_ids: ['shop'], tasks: ['STATISTICS_UPDATE'] },
      201,
    );
    await fleet.api.watch(await fleet.api.run('m'));
    const [worker] = fleet.workers;
    if (worker === undefined) throw new Error('no worker');

    const ofWorker = await scrape(`${worker.metricsUrl}/metrics`);
    expect(
      ofWorker.get('maintenance_task_total{service="worker",status="succeeded",task_type="STATISTICS_UPDATE"}'),
    ).toBe(1);
    expect(
      ofWorker.get(
        'maintenance_task_duration_seconds_count{service="worker",status="succeeded",task_type="STATISTICS_UPDATE"}',
      ),
    ).toBe(1);
    await expect
      .poll(
        async () =>
          (await scrape(`${fleet.url}/metrics`)).get(
            'maintenance_job_total{service="control-plane",status="succeeded"}',
          ),
        { timeout: 10_000 },
      )
      .toBe(1);
    await expect
      .poll(
        async () =>
          (await scrape(`${fleet.url}/metrics`)).get(
            'maintenance_queue_workers{queue="statistics-update",service="control-plane"}',
          ),
        { timeout: 10_000 },
      )
      .toBe(1);
    const ofControlPlane = await scrape(`${fleet.url}/metrics`);
    expect(
      ofControlPlane.get(
        'maintenance_task_total{service="control-plane",status="succeeded",task_type="INDEX_REBUILD"}',
      ),
    ).toBe(0);
    expect(ofControlPlane.get('maintenance_schedule_lateness_seconds{service="control-plane"}')).toBe(0);
    expect(
      ofControlPlane.get('maintenance_queue_depth{queue="finalise",service="control-plane",state="waiting"}'),
    ).toBe(0);
  });
});

/** Parses the text exposition format; a line that is none fails the test. */
async function scrape(url: string): Promise<Map<string, number>> {
  const response = await fetch(url);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const samples = new Map<string, number>();
  for (const line of (await response.text()).split('\n')) {
    if (line === '' || /^# (HELP|TYPE) [a-zA-Z_:][\w:]* /.test(line)) continue;
    const sample = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)$/.exec(line);
    expect(sample, line).not.toBeNull();
    samples.set(withSortedLabels(sample?.[1] ?? ''), Number(sample?.[2]));
  }
  return samples;
}

/** `name{b="2",a="1"}` as `name{a="1",b="2"}`: the order of labels means nothing. */
function withSortedLabels(sample: string): string {
  const [name = '', labels = ''] = sample.split(/[{}]/);
  return labels === '' ? name : `${name}{${labels.split(',').toSorted().join(',')}}`;
}
