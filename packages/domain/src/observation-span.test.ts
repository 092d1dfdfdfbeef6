import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extendSpan, type ObservationSpan } from './observation-span.ts';

const at = (hour: number): Date => new Date(Date.UTC(2026, 10, 22, hour));
const look = (counters: Record<string, number>, epoch = 'e1', oid = 1) => ({ oid, epoch, counters });

describe('extendSpan', () => {
  it('begins with the first look, with the counters as they stood then', () => {
    expect(extendSpan(undefined, look({ scans: 7 }), at(1))).toEqual({
      ...look({ scans: 7 }),
      startedAt: at(1),
      startCounters: { scans: 7 },
    });
  });

  it.each([
    ['nothing happened', { scans: 7, rows: 70 }, { scans: 7, rows: 70 }, 'e1'],
    ['counters grew', { scans: 7, rows: 70 }, { scans: 9, rows: 90 }, 'e1'],
    ['nothing ever happened', { scans: 0, rows: 0 }, { scans: 0, rows: 0 }, 'e1'],
    ['a clean restart kept them', { scans: 7, rows: 70 }, { scans: 7, rows: 70 }, 'e2'],
    ['one that stands above 0 shows that they were kept', { scans: 0, rows: 70 }, { scans: 0, rows: 71 }, 'e2'],
    ['one was not read', { scans: 7, rows: 70 }, { rows: 70 }, 'e2'],
    ['one is new', { scans: 7 }, { scans: 7, rows: 0 }, 'e2'],
  ])('goes on when %s', (_, before, after, epoch) => {
    const first = extendSpan(undefined, look(before), at(1));
    expect(extendSpan(first, look(after, epoch), at(9)).startedAt).toBe(first.startedAt);
  });

  it.each([
    ['one counter fell', { scans: 7, rows: 70 }, { scans: 6, rows: 90 }, 'e1'],
    ['all fell', { scans: 7, rows: 70 }, { scans: 0, rows: 0 }, 'e2'],
    ['the epoch is another, and none stood above 0', { scans: 0, rows: 0 }, { scans: 0, rows: 0 }, 'e2'],
    ['the epoch is another, and all have grown from 0', { scans: 0, rows: 0 }, { scans: 5, rows: 50 }, 'e2'],
    ['the epoch is another, and what stood above 0 was not read', { scans: 0, rows: 9 }, { scans: 0 }, 'e2'],
    ['the epoch is another, and there are no counters', {}, {}, 'e2'],
  ])('begins anew when %s', (_, before, after, epoch) => {
    const first = extendSpan(undefined, look(before), at(1));
    expect(extendSpan(first, look(after, epoch), at(9))).toEqual({
      ...look(after, epoch),
      startedAt: at(9),
      startCounters: after,
    });
  });

  it('begins anew with another object, whatever its counters', () => {
    const first = extendSpan(undefined, look({ scans: 7 }), at(1));
    expect(extendSpan(first, look({ scans: 8 }, 'e1', 2), at(2)).startedAt).toEqual(at(2));
  });

  it('keeps the counters of its beginning, and takes those of names that are new as they come', () => {
    const first = extendSpan(undefined, look({ scans: 7 }), at(1));
    const second = extendSpan(first, look({ scans: 9, rows: 3 }, 'e2'), at(2));
    expect(second).toEqual({
      ...look({ scans: 9, rows: 3 }, 'e2'),
      startedAt: at(1),
      startCounters: { scans: 7, rows: 3 },
    });
    expect(extendSpan(second, look({ scans: 9, rows: 8 }, 'e2'), at(3)).startCounters).toEqual({ scans: 7, rows: 3 });
  });

  it('compares a counter that was not read for a while with what it last was', () => {
    const first = extendSpan(undefined, look({ scans: 7, rows: 70 }), at(1));
    const second = extendSpan(first, look({ scans: 7 }), at(2));
    expect(second.counters).toEqual({ scans: 7, rows: 70 });
    expect(extendSpan(second, look({ scans: 7, rows: 69 }), at(3)).startedAt).toEqual(at(3));
  });
});

/** A node as it really is: the server that is it now and the one that may take over, and everything that ever happened to the object on it. */
interface World {
  here: { scans: number; blocks: number };
  there: { scans: number; blocks: number };
  epoch: number;
  oid: number;
  /** Scans on this node, counted by nobody but us. */
  truth: number;
  /** Counts were lost, or others taken for them, since the last look. */
  lost: boolean;
}

const losses = ['crash', 'reset of everything', 'failover', 'reset of this object'] as const;
const count = fc.integer({ min: 1, max: 3 });
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('scan', 'write', 'scan there'), count }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('clean restart', 'reset of another object') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom(...losses) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('re-creation' as const) }) },
);

function happen(world: World, { kind, count: times }: { readonly kind: string; readonly count?: number }): void {
  const n = times ?? 0;
  if (kind === 'scan') {
    world.here = { scans: world.here.scans + n, blocks: world.here.blocks + 3 * n };
    world.truth += n;
  } else if (kind === 'write') world.here = { ...world.here, blocks: world.here.blocks + n };
  else if (kind === 'scan there') world.there = { scans: world.there.scans + n, blocks: world.there.blocks + 3 * n };
  else {
    world.epoch += 1;
    if (kind === 're-creation') world.oid += 1;
    if (kind === 'failover') [world.here, world.there] = [world.there, world.here];
    else if (kind === 're-creation' || (losses as readonly string[]).includes(kind))
      world.here = { scans: 0, blocks: 0 };
    world.lost ||= !['clean restart', 'reset of another object'].includes(kind);
  }
}

describe('whatever happens between looks', () => {
  it('a span never reaches across lost counts, unless all climbed back; within it no scan is missing, and nothing else ends it', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 5, maxLength: 60, size: 'max' }), (events) => {
        const world: World = {
          here: { scans: 0, blocks: 0 },
          there: { scans: 0, blocks: 0 },
          epoch: 0,
          oid: 1,
          truth: 0,
          lost: false,
        };
        let span: ObservationSpan | undefined;
        let truthAtStart = 0;
        let isExact = true;
        for (const [hour, each] of events.entries()) {
          if (each.kind !== 'look') {
            happen(world, each);
            continue;
          }
          const before = span;
          const reading = look({ ...world.here }, `e${world.epoch}`, world.oid);
          span = extendSpan(before, reading, at(hour));
          const goesOn = before !== undefined && span.startedAt === before.startedAt;
          const stood: Readonly<Record<string, number>> = before?.counters ?? {};
          const hasStood = Object.values(stood).some((value) => value > 0);
          const climbedBack =
            hasStood && Object.entries(world.here).every(([name, value]) => value >= (stood[name] ?? 0));
          if (world.lost && goesOn) {
            expect(climbedBack && before.oid === world.oid).toBe(true);
            isExact = false;
          }
          if (!world.lost && before !== undefined) expect(goesOn).toBe(before.epoch === reading.epoch || hasStood);
          if (!goesOn) {
            isExact = true;
            truthAtStart = world.truth;
          }
          if (isExact) expect(world.here.scans - (span.startCounters['scans'] ?? 0)).toBe(world.truth - truthAtStart);
          world.lost = false;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
