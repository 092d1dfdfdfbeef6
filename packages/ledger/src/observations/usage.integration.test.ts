import { describe, expect, it } from 'vitest';
import { checksSetup, sampleReading } from '../../../../test/support/check-data.ts';

const dayMs = 86_400_000;

/** A ledger in which an index of the primary stood at these scans, each so many days ago. */
async function setup(history: readonly (readonly [daysAgo: number, scans: number, epoch?: string])[]) {
  const base = await checksSetup();
  for (const [position, [daysAgo, scans, epoch]] of history.entries()) {
    await base.look([sampleReading(1, scans)], epoch === undefined ? {} : { epoch });
    const next = history[position + 1]?.[0] ?? 0;
    if (daysAgo > next) await base.pass(`${daysAgo - next} days`);
  }
  /** Scans within the last days, and for how many days it was observed. */
  const used = async (windowDays: number) => {
    const [usage, now] = await Promise.all([base.memory.usage(windowDays), base.memory.now()]);
    return usage.flatMap(({ nodes }) =>
      nodes.map(({ scans, observedSince }) => [scans, Math.round((now.getTime() - observedSince.getTime()) / dayMs)]),
    );
  };
  return { ...base, used };
}

const history = [
  [60, 3],
  [40, 10],
  [20, 10],
  [5, 14],
  [0, 15],
] as const;

describe('the use of an index', () => {
  it.each([
    ['hours', async () => undefined],
    ['days, once they are rolled up', async (prune: () => Promise<void>) => await prune()],
  ])('within a window is told by samples of %s', async (_, prune) => {
    const { observations, used } = await setup(history);
    await prune(() => observations.prune());
    expect(await used(0)).toEqual([[12, 60]]);
    expect(await used(90)).toEqual([[12, 60]]);
    expect(await used(50)).toEqual([[12, 60]]);
    expect(await used(30)).toEqual([[5, 60]]);
    expect(await used(10)).toEqual([[5, 60]]);
    expect(await used(2)).toEqual([[1, 60]]);
  });

  it('may tell a little more than happened within the window, never less', async () => {
    const { used } = await setup([
      [10, 0],
      [1, 4],
      [0, 9],
    ]);
    // The sample of an hour ago may be of after the window began.
    expect(await used(1)).toEqual([[9, 10]]);
    expect(await used(0.9)).toEqual([[5, 10]]);
  });

  it('is told of its span alone: what was before it was lost does not count', async () => {
    const { used } = await setup([
      [60, 100],
      [30, 200],
      [20, 5, 'e2'],
      [10, 8, 'e2'],
      [0, 8, 'e2'],
    ]);
    expect(await used(0)).toEqual([[3, 20]]);
    expect(await used(25)).toEqual([[3, 20]]);
    expect(await used(15)).toEqual([[3, 20]]);
    expect(await used(5)).toEqual([[0, 20]]);
  });

  it('counts what happened in the very hour in which its span began', async () => {
    const { used } = await setup([
      [0, 5],
      [0, 45],
    ]);
    expect(await used(0)).toEqual([[40, 0]]);
    expect(await used(30)).toEqual([[40, 0]]);
  });

  it('is told of every node that the target has, the primary first', async () => {
    const { sql, observing, observations, memory } = await checksSetup();
    await sql`UPDATE targets SET standbys = '["postgresql://me@a:5432/shop"]' WHERE id = 'shop'`;
    const claimed = await observing();
    const look = (node: string, readings: ReturnType<typeof sampleReading>[]) =>
      observations.record(claimed, { node, epoch: 'e1', readings, complete: ['index'] });
    for (const scans of [1, 4]) {
      await look('a:5432/shop', [sampleReading(1, scans * 10), sampleReading(2, 0)]);
      await look('primary', [sampleReading(1, scans), sampleReading(2, 0)]);
    }
    const usage = await memory.usage(30);
    const node = { observedSince: expect.any(Date), lastSampledAt: expect.any(Date) };
    expect(usage).toEqual([
      {
        oid: 1,
        nodes: [
          { node: 'primary', scans: 3, ...node },
          { node: 'a:5432/shop', scans: 30, ...node },
        ],
      },
      {
        oid: 2,
        nodes: [
          { node: 'primary', scans: 0, ...node },
          { node: 'a:5432/shop', scans: 0, ...node },
        ],
      },
    ]);
    const [primary] = usage[0]?.nodes ?? [];
    expect(primary?.lastSampledAt.getTime()).toBeGreaterThan(primary?.observedSince.getTime() ?? Number.NaN);
  });

  it('is told of indexes that are there, and of which scans are known', async () => {
    const { look, memory } = await checksSetup();
    await look([
      sampleReading(1, 7),
      sampleReading(2, 7),
      sampleReading(3, 7, { kind: 'table' }),
      sampleReading(4, 0, { counters: { rows: 3 } }),
    ]);
    await look([sampleReading(1, 7), sampleReading(4, 0, { counters: { rows: 3 } })]);
    expect((await memory.usage(0)).map(({ oid }) => oid)).toEqual([1]);
  });
});
