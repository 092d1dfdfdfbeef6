import { type JsonObject, type LoadFigures, type ThrottleLimits, throttleLimits } from '@slacktide/domain';
import { describe, expect, it, vi } from 'vitest';
import { TargetError } from '../ports/index.ts';
import { TaskAbort } from './task-abort.ts';
import { Throttle } from './throttle.ts';

const mebibyte = 1_048_576;

/** What each look reads, in turn; the last one again and again. Time passes in sleeps alone. */
function setup(looks: readonly LoadFigures[], limits: Partial<ThrottleLimits> = {}) {
  let nowMs = 0;
  const sleeps: number[] = [];
  const pauses: { told: JsonObject[]; ended: JsonObject | null }[] = [];
  const controller = new AbortController();
  const read = vi.fn(async () => looks[Math.min(read.mock.calls.length, looks.length) - 1] ?? {});
  const onSleep = { now: (_: number): void => undefined };
  const throttle = new Throttle({
    limits: { ...throttleLimits.parse({ max_wal_mb_per_second: null }), ...limits },
    read,
    record: (result) => {
      const pause: (typeof pauses)[number] = { told: [result], ended: null };
      pauses.push(pause);
      return {
        tell: (now) => void pause.told.push(now),
        end: (all) => {
          pause.ended = all;
        },
      };
    },
    signal: controller.signal,
    clock: {
      nowMs: () => nowMs,
      sleep: async (ms) => {
        sleeps.push(ms);
        nowMs += ms;
        onSleep.now(sleeps.length);
      },
    },
  });
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { throttle, read, sleeps, pauses, controller, onSleep, pass };
}

const busy = (sessions: number): LoadFigures => ({ activeSessions: { value: sessions } });
const inTheWay = (sessions: number): LoadFigures => ({ waitingSessions: { value: sessions } });

describe('Throttle', () => {
  it('lets work go on at once within the limits, and looks no more than twice a second', async () => {
    const { throttle, read, pauses, sleeps, pass } = setup([busy(3)]);
    for (let unit = 0; unit < 100; unit += 1) {
      expect(await throttle.wait()).toEqual({ verdict: 'go', paused: false });
      pass(20);
    }
    expect(read).toHaveBeenCalledTimes(4);
    expect(pauses).toEqual([]);
    expect(sleeps).toEqual([]);
  });

  it('waits while there is more load, tells why as it goes, and goes on when it fell', async () => {
    const { throttle, pauses, sleeps } = setup([busy(150), busy(130), busy(90)]);
    expect(await throttle.wait()).toEqual({ verdict: 'go', paused: true });
    expect(sleeps).toEqual([2_000, 2_000]);
    const reasons = (figure: number) => [
      {
        limit: 'max_active_sessions',
        figure,
        allowed: 100,
        words: `${figure} sessions are at work (at most 100)`,
      },
    ];
    expect(pauses).toEqual([
      {
        told: [
          { waited_ms: 0, reasons: reasons(150) },
          { waited_ms: 2_000, reasons: reasons(130) },
        ],
        ended: { waited_ms: 4_000, reasons: reasons(130), ended: 'load_fell' },
      },
    ]);
    expect(throttle.isOverloaded).toBe(false);
    expect(throttle.result).toMatchObject({ throttle: { pauses: 1, waited_ms: 4_000 } });
  });

  it('gives up when the load outlasts the longest pause, and does not look again', async () => {
    const { throttle, pauses, sleeps, read } = setup([busy(150)], { max_pause_seconds: 5 });
    expect(await throttle.wait()).toEqual({ verdict: 'overloaded', paused: true });
    expect(sleeps).toEqual([2_000, 2_000, 1_000]);
    expect(pauses).toMatchObject([{ ended: { waited_ms: 5_000, ended: 'outlasted' } }]);
    const looks = read.mock.calls.length;
    expect(await throttle.wait()).toEqual({ verdict: 'overloaded', paused: false });
    expect(read).toHaveBeenCalledTimes(looks);
    expect(throttle.isOverloaded).toBe(true);
  });

  it('does not wait at all where it may not, and still says why', async () => {
    const { throttle, pauses, sleeps } = setup([busy(150)], { max_pause_seconds: 0 });
    expect(await throttle.wait()).toEqual({ verdict: 'overloaded', paused: true });
    expect(sleeps).toEqual([]);
    expect(pauses).toMatchObject([{ ended: { waited_ms: 0, ended: 'outlasted', reasons: [{ figure: 150 }] } }]);
  });

  it('keeps nobody waiting for longer who waits for a lock of ours: two looks, then it lets go', async () => {
    const { throttle, pauses, sleeps } = setup([inTheWay(1)]);
    expect(await throttle.wait()).toEqual({ verdict: 'overloaded', paused: true });
    expect(sleeps).toEqual([2_000]);
    expect(pauses).toMatchObject([{ ended: { ended: 'in_the_way' } }]);
    const passing = setup([inTheWay(1), busy(1)]);
    expect(await passing.throttle.wait()).toEqual({ verdict: 'go', paused: true });
  });

  it('takes a second look half a second later where nothing earlier tells the rate of write-ahead log', async () => {
    const wal = (mib: number): LoadFigures => ({ walBytes: { value: mib * mebibyte } });
    const only = { max_wal_mb_per_second: 100 };
    const quiet = setup([wal(1_000), wal(1_010)], only);
    expect(await quiet.throttle.wait()).toEqual({ verdict: 'go', paused: false });
    expect(quiet.sleeps).toEqual([500]);
    quiet.pass(3_000);
    await quiet.throttle.wait();
    expect(quiet.sleeps).toEqual([500]); // the last reading is young enough to compare with
    quiet.pass(600_000);
    await quiet.throttle.wait();
    expect(quiet.sleeps).toEqual([500, 500]);
    const flood = setup([wal(1_000), wal(1_100), wal(1_200), wal(1_201)], only);
    expect(await flood.throttle.wait()).toEqual({ verdict: 'go', paused: true });
    expect(flood.pauses).toMatchObject([
      { told: [{ reasons: [{ limit: 'max_wal_mb_per_second', figure: 200 }] }], ended: { ended: 'load_fell' } },
    ]);
  });

  it('goes on with what cannot be judged, and says so in the result', async () => {
    const gap = { reason: 'what 3 sessions do is hidden from our role', grant: 'GRANT pg_read_all_stats TO m' };
    const none = Object.fromEntries(
      Object.keys(throttleLimits.shape).map((name) => [name, name === 'max_pause_seconds' ? 600 : null]),
    ) as ThrottleLimits;
    const { throttle } = setup([{ activeSessions: { value: 1, gap } }], { ...none, max_active_sessions: 5 });
    expect(await throttle.wait()).toEqual({ verdict: 'go', paused: false });
    const unknown = [{ limit: 'max_active_sessions', ...gap }];
    expect(throttle.result).toEqual({ throttle: { pauses: 0, waited_ms: 0, unknown } });
    const clear = setup([busy(1)], { ...none, max_active_sessions: 5 });
    await clear.throttle.wait();
    expect(clear.throttle.result).toEqual({});
  });

  it('ends a pause at once when it is told to stop, or the target can be asked no more', async () => {
    const stopped = setup([busy(150)]);
    stopped.onSleep.now = () => stopped.controller.abort(new TaskAbort('cancelled'));
    await expect(stopped.throttle.wait()).rejects.toMatchObject({ reason: 'cancelled' });
    expect(stopped.pauses).toMatchObject([{ ended: null }]);
    await expect(stopped.throttle.wait()).rejects.toMatchObject({ reason: 'cancelled' });
    const lost = setup([busy(150)]);
    lost.onSleep.now = () => lost.read.mockRejectedValue(new TargetError('session_lost', 'gone'));
    await expect(lost.throttle.wait()).rejects.toMatchObject({ code: 'session_lost' });
  });
});
