import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClaimFacts, decideClaim, longestClockSkewMs } from './decide-claim.ts';
import { isTerminal, states } from './states.ts';

const now = new Date('2026-11-22T03:00:00Z');
const closed = { startHour: 10, endHour: 12 };

interface Changes extends Partial<Omit<ClaimFacts, 'job' | 'task'>> {
  readonly job?: Partial<ClaimFacts['job']>;
  readonly task?: ClaimFacts['task'];
}
function facts(changes: Changes = {}): ClaimFacts {
  const job = { state: 'RUNNING', generation: 2, halted: false, cancelRequestedAt: null, window: null } as const;
  const rest = {
    task: { state: 'PENDING' },
    generation: 2,
    needs: ['SUCCEEDED'],
    targetBusy: false,
    queued: false,
    clockSkewMs: 0,
    now,
  } as const;
  return { ...rest, ...changes, job: { ...job, ...changes.job } };
}
/** Everything that can stand in a task's way, in the order in which it is decided. */
const obstacles: readonly [Changes, ReturnType<typeof decideClaim>][] = [
  [{ task: { state: 'SUCCEEDED' } }, { kind: 'over' }],
  [{ job: { state: 'CANCELLED' } }, { kind: 'over' }],
  [{ generation: 1 }, { kind: 'over' }],
  [{ task: { state: 'RUNNING' } }, { kind: 'not_yet', reason: 'running_elsewhere' }],
  [{ job: { cancelRequestedAt: now } }, { kind: 'skip', reason: 'cancelled' }],
  [{ job: { halted: true } }, { kind: 'skip', reason: 'halted' }],
  [{ job: { window: closed } }, { kind: 'skip', reason: 'outside_window' }],
  [{ task: { state: 'NEEDS_OPERATOR' } }, { kind: 'not_yet', reason: 'needs_operator' }],
  [{ job: { state: 'NEEDS_OPERATOR' } }, { kind: 'not_yet', reason: 'needs_operator' }],
  [{ clockSkewMs: -2_001 }, { kind: 'not_yet', reason: 'clock_skew' }],
  [{ queued: true }, { kind: 'not_yet', reason: 'queued' }],
  [{ needs: ['SUCCEEDED', 'RUNNING'] }, { kind: 'not_yet', reason: 'needs_open' }],
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
        const both = { ...second, ...first, job: { ...second.job, ...first.job } };
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
      task: fc.record({ state: anyState }),
      generation: fc.nat(2),
      needs: fc.array(anyState, { maxLength: 3 }),
      targetBusy: fc.boolean(),
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
