import { type DueTicks, type Schedule, timeOrderedId } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { missedLimit, settleTicks } from './tick-jobs.ts';
import { tickTrace } from './tick-trace.ts';

const at = (time: string): Date => new Date(`2026-11-22T${time}Z`);
const now = at('05:30:00');
const openJobId = timeOrderedId(at('00:00:00'), new Uint8Array(10));
const trace = tickTrace('s', now, { traceId: '', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` });

function settle(
  schedule: Partial<Schedule>,
  ticks: Partial<DueTicks>,
  { openJobId = null, ...context }: { openJobId?: string | null; instead?: 'disabled' } = {},
) {
  const { jobs, ...rest } = settleTicks(
    {
      schedule: {
        id: 's',
        name: 's',
        description: null,
        cronExpression: '0 * * * *',
        timezone: 'UTC',
        window: null,
        targets: { kind: 'ids', ids: ['shop'] },
        tasks: [{ key: 'a', type: 'SWEEP', config: {}, needs: [] }],
        haltOnTaskFailure: true,
        enabled: true,
        misfirePolicy: 'run_all',
        misfireMax: 10,
        catchUpSeconds: 86_400,
        overlapPolicy: 'skip',
        version: 1,
        nextDueAt: at('03:00:00'),
        lastTickAt: null,
        createdAt: now,
        updatedAt: now,
        ...schedule,
      },
      targets: [{ id: 'shop', openJobId }],
    },
    { runs: [], missed: [], leftOut: { count: 0, exact: true }, nextDueAt: at('06:00:00'), ...ticks },
    { now, trace, requestedBy: 'dispatcher', ...context },
  );
  /** Each job as: its hour, how it began, and the hour of the job it waits for. */
  const hourOf = (id: string | null) =>
    id === openJobId ? 'open' : (jobs.find((job) => job.id === id)?.scheduledFor.getUTCHours() ?? null);
  const told = jobs.map((job) => [
    job.scheduledFor.getUTCHours(),
    job.reason ?? job.state,
    job.afterJobId === null ? null : hourOf(job.afterJobId),
  ]);
  return { jobs, told, ...rest };
}
const three = { missed: [at('03:00:00')], runs: [at('04:00:00'), at('05:00:00')] };

describe('settleTicks', () => {
  it.each([
    [
      'skip',
      null,
      [
        [3, 'missed', null],
        [4, 'PENDING', null],
        [5, 'PENDING', 4],
      ],
    ],
    [
      'skip',
      openJobId,
      [
        [3, 'missed', null],
        [4, 'overlap', null],
        [5, 'overlap', null],
      ],
    ],
    [
      'queue',
      null,
      [
        [3, 'missed', null],
        [4, 'PENDING', null],
        [5, 'PENDING', 4],
      ],
    ],
    [
      'queue',
      openJobId,
      [
        [3, 'missed', null],
        [4, 'PENDING', 'open'],
        [5, 'PENDING', 4],
      ],
    ],
    [
      'allow',
      null,
      [
        [3, 'missed', null],
        [4, 'PENDING', null],
        [5, 'PENDING', null],
      ],
    ],
  ] as const)('under %s with %s open', (overlapPolicy, openJobId, expected) => {
    expect(settle({ overlapPolicy }, three, { openJobId }).told).toEqual(expected);
  });

  it('waits for nothing that is born over: outside the window', () => {
    const { told } = settle({ overlapPolicy: 'queue', window: { startHour: 7, endHour: 9 } }, three, { openJobId });
    expect(told.slice(1)).toEqual([
      [4, 'outside_window', 'open'],
      [5, 'outside_window', 'open'],
    ]);
  });

  it('skips what would run for the reason it is given; what is missed stays missed', () => {
    expect(settle({}, three, { instead: 'disabled' }).told.map(([hour, end]) => [hour, end])).toEqual([
      [3, 'missed'],
      [4, 'disabled'],
      [5, 'disabled'],
    ]);
  });

  it('gives the same ids to the same ticks, whoever settles them', () => {
    const ids = (overlapPolicy: 'skip' | 'queue') => settle({ overlapPolicy }, three).jobs.map(({ id }) => id);
    expect(ids('skip')).toEqual(ids('queue'));
  });

  it('moves the schedule on to its last tick, and tells how late the first that runs is', () => {
    const { advance, latenessSeconds, audit } = settle({}, { ...three, leftOut: { count: 7, exact: true } });
    expect(advance).toEqual({ scheduleId: 's', nextDueAt: at('06:00:00'), lastTickAt: at('05:00:00') });
    expect(latenessSeconds).toBe(5_400);
    expect(audit).toMatchObject({
      before: { next_due_at: '2026-11-22T03:00:00.000Z' },
      after: { targets: 1, runs: ['2026-11-22T04:00:00.000Z', '2026-11-22T05:00:00.000Z'], missed: 8, left_out: 7 },
    });
    expect(settle({}, { missed: [at('03:00:00')] })).toMatchObject({ latenessSeconds: 9_000 });
  });
});

it('gives fewer missed ticks a row the more targets there are, at least one', () => {
  expect([0, 1, 100, 101, 500, 10_000, 1_000_000].map(missedLimit)).toEqual([100, 100, 100, 99, 20, 1, 1]);
});

it('a tick has one trace of its own, sampled as its context is', () => {
  const again = tickTrace('s', now, { traceId: '', traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-00` });
  expect(trace.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(again.traceId).toBe(trace.traceId);
  expect(again.traceparent.slice(0, -2)).toBe(trace.traceparent.slice(0, -2));
  expect(again.traceparent.slice(-2)).toBe('00');
  expect(tickTrace('t', now, trace).traceId).not.toBe(trace.traceId);
});
