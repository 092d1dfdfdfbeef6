import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, it, onTestFinished } from 'vitest';
import { freshTarget } from '../../../test/support/target.ts';
import { watchProgress } from './catalogue/watch-progress.ts';
import { createPostgresGateway } from './postgres-gateway.ts';

function recordSpans(): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  onTestFinished(async () => {
    trace.disable();
    context.disable();
    await provider.shutdown();
  });
  return exporter;
}

it('makes one span per statement, under the caller’s span, without values, and none for polls', async () => {
  const exporter = recordSpans();
  const { address, env, database } = await freshTarget(18);
  const parent = trace.getTracer('test').startSpan('task');
  await context.with(trace.setSpan(context.active(), parent), () =>
    createPostgresGateway({ env }).act(
      address,
      { applicationName: 'slacktide/test/1', statementTimeoutMs: 60_000, signal: new AbortController().signal },
      async (session, observer) => {
        const stop = watchProgress(observer, session.identity.pid, 1, () => undefined);
        await session.execute('VACUUM pg_catalog.pg_statistic');
        await session.execute('VACUUM public.none').catch(() => undefined);
        await stop();
        await observer.query('SELECT $1::text AS secret', ['hunter2']);
      },
    ),
  );
  parent.end();
  const spans = exporter.getFinishedSpans().filter(({ name }) => name !== 'task');
  const texts = spans.map(({ attributes }) => attributes['db.query.text']);
  expect(texts).toEqual([
    'SELECT pg_try_advisory_lock($1::int4, $2::int4) AS taken',
    'VACUUM pg_catalog.pg_statistic',
    'VACUUM public.none',
    'SELECT $1::text AS secret',
  ]);
  expect(JSON.stringify(spans.map(({ attributes }) => attributes))).not.toContain('hunter2');
  const [, vacuum, failed] = spans;
  expect(vacuum).toMatchObject({
    name: 'VACUUM',
    kind: SpanKind.CLIENT,
    attributes: {
      'db.system.name': 'postgresql',
      'db.namespace': database,
      'db.operation.name': 'VACUUM',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(address.connection).port),
    },
  });
  expect(vacuum?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
  expect(failed).toMatchObject({
    status: { code: SpanStatusCode.ERROR },
    attributes: { 'error.type': 'statement_failed', 'db.response.status_code': '42P01' },
  });
});
