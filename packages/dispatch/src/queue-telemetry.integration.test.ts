import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Delivery } from '@slacktide/application';
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest';
import { flowOf, nodesOf, openDispatch, task, types } from './dispatch.fixture.ts';

/** Tries until it holds: other work may have the machine meanwhile. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 15_000, interval: 5 });

const done: Delivery = { kind: 'done' };
const exporter = new InMemorySpanExporter();

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
});
afterAll(() => {
  trace.disable();
  propagation.disable();
  context.disable();
});

const spansOf = (traceId: string): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
const jobIdOf = (span: ReadableSpan): unknown => span.attributes['bullmq.job.id'];

it('keeps every node of a flow, added here and processed there, in the trace it was asked for in', async () => {
  await using dispatch = openDispatch(inject('redisUrl'), { telemetry: true });
  await using worker = openDispatch(inject('redisUrl'), { telemetry: true, prefix: dispatch.prefix });
  const postponed = task([task([], 'CHECKPOINT'), task()], 'MVCC_CLEANUP');
  const flow = flowOf([task([postponed]), task([], 'CHECKPOINT')]);
  const [, traceId = '', requestSpanId = ''] = flow.traceparent.split('-');
  const seen: (string | undefined)[] = [];
  let late = false;
  const note = (): void => {
    seen.push(trace.getActiveSpan()?.spanContext().traceId);
  };
  worker.track(
    worker.startTaskWorkers({
      types,
      concurrency: 2,
      process: async ({ taskId }) => {
        note();
        if (taskId !== postponed.taskId || late) return done;
        late = true;
        return { kind: 'later', delayMs: 1 };
      },
    }),
  );
  const finalised = Promise.withResolvers<void>();
  worker.track(
    worker.startFinaliseWorker({
      finalise: async () => {
        note();
        finalised.resolve();
        return done;
      },
    }),
  );
  await dispatch.flows.add(flow);
  await finalised.promise;

  const ids = [`${flow.jobId}-0`, ...nodesOf(flow.roots).map(({ taskId }) => `${taskId}-0`)].sort();
  const consumed = (): unknown[] =>
    spansOf(traceId)
      .filter(({ kind }) => kind === SpanKind.CONSUMER)
      .map(jobIdOf);
  await eventually(() => expect([...new Set(consumed())].sort()).toEqual(ids));
  expect(consumed()).toHaveLength(ids.length + 1); // one of them twice
  const spans = spansOf(traceId);
  expect([...new Set(spans.filter(({ name }) => name.startsWith('addNode')).map(jobIdOf))].sort()).toEqual(ids);
  expect(spans.find(({ name }) => name.startsWith('addFlow'))?.parentSpanContext?.spanId).toBe(requestSpanId);
  // What the work itself does hangs below.
  expect(seen).toEqual(seen.map(() => traceId));
});

it('gives each process span the span that added its job as parent', async () => {
  await using dispatch = openDispatch(inject('redisUrl'), { telemetry: true });
  const flow = flowOf([task()]);
  const [, traceId = ''] = flow.traceparent.split('-');
  dispatch.track(dispatch.startTaskWorkers({ types, concurrency: 1, process: async () => done }));
  await dispatch.flows.add(flow);
  await eventually(() => expect(spansOf(traceId).some(({ kind }) => kind === SpanKind.CONSUMER)).toBe(true));
  const spans = spansOf(traceId);
  const processed = spans.find(({ kind }) => kind === SpanKind.CONSUMER);
  const added = spans.find(
    (span) => span.name.startsWith('addNode') && jobIdOf(span) === (processed && jobIdOf(processed)),
  );
  expect(processed?.parentSpanContext?.spanId).toBe(added?.spanContext().spanId);
});

it('begins a trace with each tick, and none by itself', async () => {
  await using dispatch = openDispatch(inject('redisUrl'), { telemetry: true });
  exporter.reset();
  const traces: string[] = [];
  const request = trace.getTracer('test').startSpan('PUT /schedules');
  await context.with(trace.setSpan(context.active(), request), () =>
    dispatch.tickTimers.set({ id: 'each-second', cronExpression: '* * * * * *', timezone: 'UTC' }),
  );
  request.end();
  dispatch.track(dispatch.startTaskWorkers({ types, concurrency: 1, process: async () => done }));
  dispatch.track(
    dispatch.startTickWorker({
      onTick: async () => {
        traces.push(trace.getActiveSpan()?.spanContext().traceId ?? '');
        return done;
      },
    }),
  );
  await eventually(() => expect(traces).toHaveLength(2));
  await dispatch.tickTimers.remove('each-second');
  expect(new Set([request.spanContext().traceId, ...traces]).size).toBe(3);
  const roots = exporter.getFinishedSpans().filter(({ parentSpanContext }) => parentSpanContext === undefined);
  expect(new Set(roots.map(({ name }) => name))).toEqual(new Set(['PUT /schedules', 'process ticks']));
});

it('is silent, and leaves jobs without context, when it is off', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const flow = flowOf([task([], 'CHECKPOINT')]);
  await dispatch.flows.add(flow);
  const job = await dispatch.queues.find(({ name }) => name === 'checkpoint')?.getJob(`${flow.roots[0]?.taskId}-0`);
  expect(job?.opts.telemetry).toBeUndefined();
  expect(spansOf(flow.traceparent.split('-')[1] ?? '')).toEqual([]);
});
