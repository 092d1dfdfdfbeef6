import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClaimFacts, decideClaim, longestClockSkewMs, longestTargetWaitMs } from './decide-claim.ts';
import { isTerminal, states } from './states.ts';

const now = new Date('2026-11-22T03:00:00Z');
const closed = { startHour: 10, endHour: 12 };

interface Changes extends Partial<Omit<ClaimFacts, 'job' | 'task'>> {
  readonly job?: Partial<ClaimFacts['job']>;
  readonly task?: Partial<ClaimFacts['task']>;
}
function facts(changes: Changes = {}): ClaimFacts {
  const job = { state: 'RUNNING', generation: 2, halted: false, cancelRequestedAt: null, window: null } as const;
  const rest = {
    generation: 2,
    needs: ['SUCCEEDED'],
    targetBusy: false,
    waitedMs: 0,
    queued: false,
    clockSkewMs: 0,
    now,
  } as const;
  const task = { state: 'PENDING', reason: null, timeLimitSeconds: 7_200 } as const;
  return { ...rest, ...changes, job: { ...job, ...changes.job }, task: { ...task, ...changes.task } };
}
/** Everything that can stand in a task's way, in the order in which it is decided. */
const obstacles: readonly [Changes, ReturnType<typeof decideClaim>][] = [
  [{ task: { state: 'SUCCEEDED' } }, { kind: 'over' }],
  [{ job: { state: 'CANCELLED' } }, { kind: 'over' }],
  [{ generation: 1 }, { kind: 'over' }],
  [{ task: { state: 'RUNNING' } }, { kind: 'not_yet', reason: 'running_elsewhere' }],
  [{ task: { state: 'NEEDS_OPERATOR' } }, { kind: 'not_yet', reason: 'needs_operator' }],
  [{ job: { cancelRequestedAt: now } }, { kind: 'skip', reason: 'cancelled' }],
  [{ job: { halted: true } }, { kind: 'skip', reason: 'halted' }],
  [{ job: { window: closed } }, { kind: 'skip', reason: 'outside_window' }],
  [{ job: { state: 'NEEDS_OPERATOR' } }, { kind: 'not_yet', reason: 'needs_operator' }],
  [{ clockSkewMs: -2_001 }, { kind: 'not_yet', reason: 'clock_skew' }],
  [{ queued: true }, { kind: 'not_yet', reason: 'queued' }],
  [{ needs: ['SUCCEEDED', 'RUNNING'] }, { kind: 'not_yet', reason: 'needs_open' }],
  [
    { task: { reason: 'target_locked' }, waitedMs: 7_200_001 },
    { kind: 'skip', reason: 'target_busy' },
  ],
  [{ targetBusy: true }, { kind: 'not_yet', reason: 'target_busy' }],
];

describe('decideClaim', () => {
  test('lets a task start whose needs are over, however they ended', () => {
    expect(decideClaim(facts())).toEqual({ kind: 'claim' });
    expect(decideClaim(facts({ needs: [] }))).toEqual({ kind: 'claim' });
    expect(decideClaim(facts({ needs: ['FAILED', 'SKIPPED', 'CANCELLED'] }))).toEqual({ kind: 'claim' });
    expect(decideClaim(facts({ job: { state: 'PENDING', window: { startHour: 2, endHour: 4 } } }))).toEqual({
      kind: 'claim',
    });
  });

  test.each(obstacles)('%j → %j', (changes, decision) => {
    expect(decideClaim(facts(changes))).toEqual(decision);
  });

  test('the earlier obstacle decides where two meet', () => {
    for (const [index, [first, decision]] of obstacles.entries()) {
      for (const [second] of obstacles.slice(index + 1)) {
        const both = {
          ...second,
          ...first,
          job: { ...second.job, ...first.job },
          task: { ...second.task, ...first.task },
        };
        expect(decideClaim(facts(both))).toEqual(decision);
      }
    }
  });

  test('a halted flow drains even while a need is running, and a running task is left alone', () => {
    expect(decideClaim(facts({ job: { halted: true }, needs: ['RUNNING'] }))).toEqual({
      kind: 'skip',
      reason: 'halted',
    });
    expect(decideClaim(facts({ job: { halted: true }, task: { state: 'RUNNING' } }))).toEqual({
      kind: 'not_yet',
      reason: 'running_elsewhere',
    });
  });

  test.each([
    ['as long as it might run itself', 7_200, 7_200_000],
    ['an hour, though it might run for a second', 1, 3_600_000],
  ])('waits for a busy target for %s, then ends as SKIPPED', (_, timeLimitSeconds, longestMs) => {
    const task = { timeLimitSeconds };
    expect(longestTargetWaitMs(task)).toBe(longestMs);
    const at = (waitedMs: number, changes: Changes = { targetBusy: true }) =>
      decideClaim(facts({ ...changes, task: { ...task, ...changes.task }, waitedMs }));
    expect(at(longestMs)).toEqual({ kind: 'not_yet', reason: 'target_busy' });
    expect(at(longestMs + 1)).toEqual({ kind: 'skip', reason: 'target_busy' });
    expect(at(longestMs + 1, {}), 'it came late, but the target is free').toEqual({ kind: 'claim' });
  });

  test.each(['target_leased', 'target_locked'])('is not let in for ever to a target that was found %s', (reason) => {
    const at = (waitedMs: number) => decideClaim(facts({ task: { reason }, waitedMs }));
    expect(at(7_200_000)).toEqual({ kind: 'claim' });
    expect(at(7_200_001)).toEqual({ kind: 'skip', reason: 'target_busy' });
    expect(decideClaim(facts({ task: { reason: 'worker draining' }, waitedMs: 7_200_001 }))).toEqual({ kind: 'claim' });
  });

  test('never claims without permission', () => {
    const anyState = fc.constantFrom(...states);
    const anyFacts: fc.Arbitrary<ClaimFacts> = fc.record({
      job: fc.record({
        state: anyState,
        generation: fc.nat(2),
        halted: fc.boolean(),
        cancelRequestedAt: fc.constantFrom(null, now),
        window: fc.option(fc.record({ startHour: fc.nat(23), endHour: fc.nat(23) })),
      }),
      task: fc.record({
        state: anyState,
        reason: fc.constantFrom(null, 'target_leased', 'infrastructure'),
        timeLimitSeconds: fc.integer({ min: 1, max: 10_000 }),
      }),
      generation: fc.nat(2),
      needs: fc.array(anyState, { maxLength: 3 }),
      targetBusy: fc.boolean(),
      waitedMs: fc.nat(20_000_000),
      queued: fc.boolean(),
      clockSkewMs: fc.integer({ min: -5_000, max: 5_000 }),
      now: fc.date({ noInvalidDate: true }),
    });
    fc.assert(
      fc.property(anyFacts, (given) => {
        if (decideClaim(given).kind !== 'claim') return;
        expect(given.task.state).toBe('PENDING');
        expect(isTerminal(given.job.state) || given.job.halted || given.targetBusy).toBe(false);
        expect(given.job.cancelRequestedAt).toBeNull();
        expect(given.generation).toBe(given.job.generation);
        expect(given.needs.every(isTerminal)).toBe(true);
        expect(given.queued).toBe(false);
        expect(Math.abs(given.clockSkewMs)).toBeLessThanOrEqual(longestClockSkewMs);
      }),
    );
  });
});
