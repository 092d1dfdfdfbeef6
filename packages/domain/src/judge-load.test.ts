import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeLoad, type LoadLimit } from './judge-load.ts';
import type { LoadFigures, LoadReading } from './load-reading.ts';
import { type ThrottleLimits, throttleLimits } from './throttle-limits.ts';

const mebibyte = 1_048_576;
const defaults = throttleLimits.parse({});
const known = (value: number) => ({ value });
const quiet: LoadFigures = {
  replicaLagSeconds: known(0),
  replicaLagBytes: known(0),
  walBytes: known(1_000 * mebibyte),
  archiveBacklog: known(0),
  usedDiskBytes: known(0),
  activeSessions: known(0),
  requestedCheckpoints: known(5),
  waitingSessions: known(0),
};
const at = (atMs: number, figures: LoadFigures = {}): LoadReading => ({ atMs, ...quiet, ...figures });
const earlier = [at(0)];
const exceeded = (figures: LoadFigures, limits: Partial<ThrottleLimits> = {}, before = earlier) =>
  judgeLoad(at(2_000, figures), before, { ...defaults, ...limits }).exceeded.map(({ limit, words }) => [limit, words]);

describe('judgeLoad', () => {
  it('finds nothing to wait for in a quiet server, and says nothing is unknown', () => {
    expect(judgeLoad(at(2_000), earlier, defaults)).toEqual({ exceeded: [], unknown: [] });
  });

  it('names each limit that is exceeded with its figure and what is allowed, in words', () => {
    expect(exceeded({ replicaLagSeconds: known(72.4) })).toEqual([
      ['max_replica_lag_seconds', 'a standby is 72 s behind in replaying (at most 60 s)'],
    ]);
    expect(exceeded({ replicaLagBytes: known(1_025 * mebibyte) })).toEqual([
      ['max_replica_lag_mb', 'a standby has 1025 MiB to replay (at most 1024 MiB)'],
    ]);
    expect(exceeded({ walBytes: known(2_000 * mebibyte) })).toEqual([
      ['max_wal_mb_per_second', '500 MiB of write-ahead log are written a second (at most 256 MiB)'],
    ]);
    expect(exceeded({ archiveBacklog: known(65) })).toEqual([
      ['max_archive_backlog', '65 segments are to be archived (at most 64)'],
    ]);
    expect(exceeded({ activeSessions: known(101) })).toEqual([
      ['max_active_sessions', '101 sessions are at work (at most 100)'],
    ]);
    expect(exceeded({ requestedCheckpoints: known(8) })).toEqual([
      ['max_requested_checkpoints', '3 checkpoints a minute are requested (at most 2)'],
    ]);
    expect(exceeded({ waitingSessions: known(1) })).toEqual([
      ['max_waiting_sessions', '1 session is made to wait for a lock of ours (at most 0)'],
    ]);
    expect(exceeded({ usedDiskBytes: known(950 * mebibyte) }, { capacity_mb: 1_000, min_free_disk_mb: 100 })).toEqual([
      ['min_free_disk_mb', '50 MiB of the disk are free (at least 100 MiB)'],
    ]);
  });

  it('does not take one requested checkpoint within two seconds for thirty a minute', () => {
    expect(exceeded({ requestedCheckpoints: known(6) })).toEqual([]);
    expect(exceeded({ requestedCheckpoints: known(7) })).toEqual([]);
  });

  it('takes the rate of write-ahead log from the last seconds, not from an hour that was quiet or busy', () => {
    const long = [at(0, { walBytes: known(0) }), at(3_600_000, { walBytes: known(900_000 * mebibyte) })];
    const now = at(3_602_000, { walBytes: known(900_010 * mebibyte) });
    expect(judgeLoad(now, long, defaults).exceeded).toEqual([]);
    const busy = at(3_602_000, { walBytes: known(901_000 * mebibyte) });
    expect(judgeLoad(busy, long, defaults).exceeded).toMatchObject([{ limit: 'max_wal_mb_per_second', figure: 500 }]);
  });

  it('cannot tell rates from one reading, or after the counters were reset', () => {
    const rates: readonly LoadLimit[] = ['max_wal_mb_per_second', 'max_requested_checkpoints'];
    expect(judgeLoad(at(0), [], defaults).unknown).toEqual(
      rates.map((limit) => ({ limit, reason: 'a rate needs two readings', grant: null })),
    );
    const reset = judgeLoad(at(2_000, { requestedCheckpoints: known(0) }), earlier, defaults);
    expect(reset).toEqual({
      exceeded: [],
      unknown: [
        {
          limit: 'max_requested_checkpoints',
          reason: 'its counter was reset since the earlier readings',
          grant: null,
        },
      ],
    });
  });

  it('finds a standby out whose replay stands still, though the server measures no growing lag', () => {
    const before = [0, 30_000, 60_000].map((atMs) => at(atMs, { walBytes: known(100 + atMs) }));
    const now = at(90_000, { walBytes: known(90_100), replicaLagBytes: known(90_050), replicaLagSeconds: known(1) });
    expect(judgeLoad(now, before, defaults).exceeded).toMatchObject([{ limit: 'max_replica_lag_seconds', figure: 90 }]);
    const replaying = { ...now, replicaLagBytes: known(40_000) };
    expect(judgeLoad(replaying, before, defaults).exceeded).toEqual([]);
  });

  it('tells a figure that was not seen as unknown with its cure, and believes the part that was seen', () => {
    const gap = { reason: 'what 3 sessions do is hidden from our role', grant: 'GRANT pg_read_all_stats TO m' };
    const few = judgeLoad(at(2_000, { activeSessions: { value: 7, gap } }), earlier, defaults);
    expect(few).toEqual({ exceeded: [], unknown: [{ limit: 'max_active_sessions', ...gap }] });
    const many = judgeLoad(at(2_000, { activeSessions: { value: 200, gap } }), earlier, defaults);
    expect(many).toMatchObject({ exceeded: [{ limit: 'max_active_sessions', figure: 200 }], unknown: [] });
    const hidden = { capacity_mb: 1_000, min_free_disk_mb: 100 };
    const disk = (bytes: number) =>
      judgeLoad(at(2_000, { usedDiskBytes: { value: bytes, gap } }), earlier, { ...defaults, ...hidden });
    expect(disk(mebibyte).unknown).toMatchObject([{ limit: 'min_free_disk_mb' }]);
    expect(disk(999 * mebibyte).exceeded).toMatchObject([{ limit: 'min_free_disk_mb' }]);
  });

  it('asks for the size of the disk, which SQL cannot know', () => {
    const { unknown } = judgeLoad(at(2_000), earlier, { ...defaults, min_free_disk_mb: 1 });
    expect(unknown).toMatchObject([{ limit: 'min_free_disk_mb', reason: expect.stringContaining('capacity_mb') }]);
  });
});

describe('judgeLoad, whatever is read', () => {
  const figure = fc.oneof(
    fc.record({ value: fc.double({ min: 0, max: 1e12, noNaN: true }) }),
    fc.record({
      value: fc.option(fc.double({ min: 0, max: 1e12, noNaN: true })),
      gap: fc.constant({ reason: 'hidden', grant: null }),
    }),
  );
  const names = Object.keys(quiet) as (keyof LoadFigures)[];
  const figures = fc.record(
    Object.fromEntries(names.map((name) => [name, figure])) as Record<keyof LoadFigures, typeof figure>,
    {
      requiredKeys: [],
    },
  ) as fc.Arbitrary<LoadFigures>;
  const reading = fc
    .tuple(fc.integer({ min: 0, max: 1e7 }), figures)
    .map(([atMs, read]): LoadReading => ({ atMs, ...read }));
  const limit = fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }));
  const limits = fc
    .record({
      max_replica_lag_seconds: limit,
      max_replica_lag_mb: limit,
      max_wal_mb_per_second: limit,
      max_archive_backlog: limit,
      capacity_mb: limit,
      min_free_disk_mb: limit,
      max_active_sessions: limit,
      max_requested_checkpoints: limit,
      max_waiting_sessions: limit,
    })
    .map((given): ThrottleLimits => ({ ...defaults, ...given }));

  it('judges each limit that is set at most once, none that is not, and tells figures beyond it alone as exceeded', () => {
    fc.assert(
      fc.property(reading, fc.array(reading, { maxLength: 5 }), limits, (now, before, given) => {
        const { exceeded: beyond, unknown } = judgeLoad(now, before, given);
        const told = [...beyond, ...unknown].map((each) => each.limit);
        expect(new Set(told).size).toBe(told.length);
        for (const name of told) expect(given[name]).not.toBeNull();
        for (const each of beyond) {
          expect(each.allowed).toBe(given[each.limit]);
          expect(each.limit === 'min_free_disk_mb' ? each.figure < each.allowed : each.figure > each.allowed).toBe(
            true,
          );
        }
      }),
    );
  });

  it('says nothing else of the same readings in another order, or by a clock that began elsewhere', () => {
    fc.assert(
      fc.property(reading, fc.array(reading, { maxLength: 5 }), limits, (now, before, given) => {
        const judged = judgeLoad(now, before, given);
        expect(judgeLoad(now, before.toReversed(), given)).toEqual(judged);
        const later = (each: LoadReading): LoadReading => ({ ...each, atMs: each.atMs + 4_096 });
        expect(judgeLoad(later(now), before.map(later), given)).toEqual(judged);
      }),
    );
  });

  it('never finds a limit kept that it found exceeded, when the figure was only higher', () => {
    fc.assert(
      fc.property(
        reading,
        limits,
        fc.constantFrom(...names),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (now, given, name, more) => {
          const seen = now[name];
          if (seen === undefined || seen.value === null) return;
          const raised = { ...now, [name]: { ...seen, value: seen.value + more } };
          const before = judgeLoad(now, [], given).exceeded.map((each) => each.limit);
          const after = judgeLoad(raised, [], given).exceeded.map((each) => each.limit);
          // More write-ahead log is no rate by itself.
          expect(after).toEqual(expect.arrayContaining(before));
        },
      ),
    );
  });

  it('takes nothing that was not read for fine or for overload', () => {
    fc.assert(
      fc.property(limits, (given) => {
        const { exceeded: beyond, unknown } = judgeLoad({ atMs: 0 }, [], given);
        expect(beyond).toEqual([]);
        const set = Object.entries(given).filter(
          ([name, value]) => value !== null && !/^(capacity_mb|max_pause_seconds)$/.test(name),
        );
        expect(unknown.map((each) => each.limit).sort()).toEqual(set.map(([name]) => name).sort());
      }),
    );
  });
});
