import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginTrack, type ComparedStatement, followTrack, judgeWatch, type StatementCounters } from './watch-rule.ts';

const limits = { minCalls: 20, maxSlowerPercent: 50 };

function count(times: readonly number[]): StatementCounters {
  return times.reduce(
    ({ calls, totalMs, squares }, ms) => ({ calls: calls + 1, totalMs: totalMs + ms, squares: squares + ms ** 2 }),
    { calls: 0, totalMs: 0, squares: 0 },
  );
}

/** Uniform from 0 up to 1, the same for the same seed (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Draw = (random: () => number) => number;
const logNormal =
  (medianMs: number, spread: number): Draw =>
  (random) =>
    medianMs * Math.exp(spread * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
/** Times as statements have them: skewed, some of two kinds, some held up by locks now and then. */
const recorded: Readonly<Record<string, Draw>> = {
  'a lookup': logNormal(0.05, 0.4),
  'a report': logNormal(80, 0.8),
  'few rows or many, by its parameter': (random) => (random() < 0.9 ? 0.1 : 4) * (0.8 + 0.4 * random()),
  'sometimes kept waiting by a lock': (random) => (random() < 0.005 ? 3_000 * random() : 1 + random()),
};
const take = (draw: Draw, calls: number, random: () => number) =>
  count(Array.from({ length: calls }, () => draw(random)));
const judge = (before: StatementCounters, since: StatementCounters, others: readonly ComparedStatement[] = []) =>
  judgeWatch([{ queryid: '1', before, since }], others, limits);

describe('judgeWatch', () => {
  it.each(Object.entries(recorded))('raises no false alarm on the noise of %s', (_name, draw) => {
    let alarms = 0;
    for (let seed = 1; seed <= 2_000; seed += 1) {
      const random = dice(seed * 7_919);
      const before = take(draw, 200, random);
      const since = take(draw, 20 + Math.floor(random() * 200), random);
      if (judge(before, since).verdict === 'worse') alarms += 1;
    }
    // Two looks in a row have to agree before anything follows from it.
    expect(alarms).toBeLessThanOrEqual(4);
  });

  it.each(Object.entries(recorded).slice(0, 3))('notices when %s takes ten times as long', (_name, draw) => {
    let noticed = 0;
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = dice(seed * 104_729);
      const slower: Draw = (roll) => 10 * draw(roll);
      if (judge(take(draw, 200, random), take(slower, 400, random)).verdict === 'worse') noticed += 1;
    }
    expect(noticed).toBeGreaterThan(180);
  });

  it('is told of by nobody who was executed too seldom, before or since', () => {
    const [seldom, often] = [count(Array(19).fill(1)), count(Array(50).fill(1))];
    const slow = count(Array(50).fill(900));
    expect(judge(often, count(Array(19).fill(900))).verdict).toBe('unknown');
    expect(judge(seldom, slow).verdict).toBe('unknown');
    expect(judge(often, slow)).toMatchObject({ verdict: 'worse', isDrastic: true });
  });

  it('grants half as much again, whatever the noise', () => {
    const before = count(Array(100).fill(10));
    expect(judge(before, count(Array(100).fill(15))).verdict).toBe('fine');
    expect(judge(before, count(Array(100).fill(15.1)))).toMatchObject({ verdict: 'worse', isDrastic: false });
  });

  it('does not mind fractions of a tenth of a millisecond', () => {
    expect(judge(count(Array(100).fill(0.01)), count(Array(100).fill(0.1))).verdict).toBe('fine');
    expect(judge(count(Array(100).fill(0.01)), count(Array(100).fill(0.2))).verdict).toBe('worse');
  });

  it('is not moved by a few outliers among many', () => {
    const before = count(Array(1_000).fill(1));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 10, max: 100_000 }), (outliers, ms) => {
        const since = count([...Array(200 - outliers).fill(1), ...Array(outliers).fill(ms)]);
        expect(judge(before, since).verdict).not.toBe('worse');
      }),
    );
  });

  it('blames nothing on the drop when everything became slower alike', () => {
    const times = fc.array(fc.double({ min: 0.2, max: 500, noNaN: true }), { minLength: 20, maxLength: 60 });
    fc.assert(
      fc.property(times, fc.double({ min: 1, max: 50, noNaN: true }), (before, factor) => {
        const since = before.map((ms) => ms * factor);
        const other = { before: count(before), since: count(since) };
        const others = ['a', 'b', 'c'].map((queryid) => ({ queryid, ...other }));
        expect(judge(count(before), count(since), others).verdict).toBe('fine');
      }),
    );
  });

  it('never finds a longer mean better than a shorter one of the same spread', () => {
    const times = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { minLength: 20, maxLength: 60 });
    fc.assert(
      fc.property(times, times, fc.double({ min: 0, max: 1_000, noNaN: true }), (before, since, more) => {
        const [less, longer] = [since, since.map((ms) => ms + more)].map((each) => judge(count(before), count(each)));
        if (less?.verdict === 'worse') expect(longer?.verdict).toBe('worse');
      }),
    );
  });
});

describe('followTrack', () => {
  it('counts what came since, across resets and evictions, each execution once', () => {
    const looks = fc.array(
      fc.record({
        times: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 5 }),
        reset: fc.boolean(),
        gone: fc.boolean(),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(looks, (each) => {
        let server: number[] = [5, 5, 5];
        let track = beginTrack(count(server));
        const truth: number[] = [];
        for (const { times, reset, gone } of each) {
          // The server tells of a reset; what it had not yet shown is lost with it.
          if (reset) server = [];
          server = [...server, ...times];
          truth.push(...times);
          if (gone) server = [];
          if (gone) truth.splice(truth.length - times.length);
          track = followTrack(track, gone ? null : count(server), reset);
        }
        expect(track.since.calls).toBe(truth.length);
        expect(track.since.totalMs).toBe(truth.reduce((sum, ms) => sum + ms, 0));
      }),
    );
  });

  it('takes counters that fell for new ones', () => {
    const track = followTrack(beginTrack(count([5, 5, 5])), count([1, 1]), false);
    expect(track.since).toEqual(count([1, 1]));
  });
});
