import { describe, expect, it } from 'vitest';
import { checksSetup, sampleReading } from '../../../../test/support/check-data.ts';

type Setup = Awaited<ReturnType<typeof checksSetup>>;

async function objects({ sql }: Setup) {
  const rows = await sql`
    SELECT id, node, kind, oid::int, name, filenode::int, epoch, span_started_at AS since, last_sampled_at AS seen, changed_at AS changed,
      counter_names, counters, span_counters, gauge_names, gauges, gone_at AS gone
    FROM observed_objects WHERE target_id = 'shop' ORDER BY node, kind, oid`;
  return rows.map(
    (row) => ({ ...row }) as Record<string, unknown> & { since: Date; seen: Date; changed: Date; gone: Date | null },
  );
}

const samples = async ({ sql }: Setup) =>
  (await sql`SELECT object_id AS id, at, resolution, counters, gauges FROM object_samples ORDER BY at, object_id`).map(
    (row) => ({
      ...row,
    }),
  );

const hourOf = (at: Date): Date => new Date(Math.floor(at.getTime() / 3_600_000) * 3_600_000);

describe('a look', () => {
  it('keeps every reading as it was, and a sample of the hour', async () => {
    const setup = await checksSetup();
    expect(await setup.look([sampleReading(1, 7), sampleReading(2, 0, { filenode: null, gauges: {} })])).toBe(true);
    const [first, second] = await objects(setup);
    expect(first).toEqual({
      id: expect.anything(),
      node: 'primary',
      kind: 'index',
      oid: 1,
      name: 'public.index_1',
      filenode: 1_001,
      epoch: 'e1',
      since: first?.seen,
      seen: expect.any(Date),
      changed: first?.seen,
      counter_names: ['scans', 'blocks_fetched'],
      counters: [7, 107],
      span_counters: [7, 107],
      gauge_names: ['size_bytes'],
      gauges: [8_192],
      gone: null,
    });
    expect(second).toMatchObject({ oid: 2, filenode: null, gauge_names: [], gauges: [] });
    expect(await samples(setup)).toEqual([
      {
        id: first?.['id'],
        at: hourOf(first?.seen ?? new Date()),
        resolution: 'hour',
        counters: [7, 107],
        gauges: [8_192],
      },
      { id: second?.['id'], at: hourOf(first?.seen ?? new Date()), resolution: 'hour', counters: [0, 100], gauges: [] },
    ]);
  });

  it('that sees nothing new takes no sample, however much later', async () => {
    const setup = await checksSetup();
    await setup.look([sampleReading(1, 7)]);
    const before = await samples(setup);
    await setup.look([sampleReading(1, 7, { name: 'public.renamed', filenode: 5 })], { epoch: 'e2' });
    expect(await samples(setup)).toEqual(before);
    const [object] = await objects(setup);
    expect(object).toMatchObject({ name: 'public.renamed', filenode: 5, epoch: 'e2', changed: object?.since });
    expect(object?.seen.getTime()).toBeGreaterThan(object?.since.getTime() ?? Number.NaN);
    await setup.pass('3 hours');
    await setup.look([sampleReading(1, 7)], { epoch: 'e2' });
    expect(await samples(setup)).toHaveLength(before.length);
  });

  it('that lacks the same figure as the look before takes no sample either', async () => {
    const setup = await checksSetup();
    await setup.look([sampleReading(1, 7)]);
    for (const expected of [2, 2]) {
      await setup.pass('2 hours');
      await setup.look([sampleReading(1, 7, { gauges: {} })]);
      expect(await samples(setup)).toHaveLength(expected);
    }
    const [row] = await setup.sql`SELECT to_json(gauges) AS gauges FROM observed_objects`;
    expect(row?.['gauges']).toEqual([null]);
  });

  it.each([
    ['a counter', sampleReading(1, 8)],
    ['a gauge', sampleReading(1, 7, { gauges: { size_bytes: 16_384 } })],
    ['a figure that was not read before', sampleReading(1, 7, { gauges: { size_bytes: 8_192, rows: 1 } })],
    ['a figure that is not read now', sampleReading(1, 7, { gauges: {} })],
  ])('takes one for %s that is otherwise: the last of an hour stands', async (_, changed) => {
    const setup = await checksSetup();
    await setup.look([sampleReading(1, 7)]);
    await setup.pass('1 hour');
    await setup.look([sampleReading(1, 7, { gauges: { size_bytes: 1 } })]);
    const [{ changed: firstChange } = { changed: new Date(0) }] = await objects(setup);
    await setup.look([changed]);
    const [object] = await objects(setup);
    const kept = await samples(setup);
    // One more where the clock struck in between.
    expect(kept).toHaveLength(
      hourOf(firstChange).getTime() === hourOf(object?.changed ?? new Date(0)).getTime() ? 2 : 3,
    );
    expect(kept[0]).toMatchObject({ counters: [7, 107], gauges: [8_192] });
    expect(kept.at(-1)).toMatchObject({ counters: object?.['counters'], gauges: object?.['gauges'] });
  });

  it('adds names at the end, so that older samples are read as they were written', async () => {
    const setup = await checksSetup();
    await setup.look([sampleReading(1, 7, { counters: { scans: 7 } })]);
    await setup.look([sampleReading(1, 7, { counters: { new_counter: 3, scans: 9 } })]);
    expect(await objects(setup)).toMatchObject([
      { counter_names: ['scans', 'new_counter'], counters: [9, 3], span_counters: [7, 3] },
    ]);
    await setup.look([sampleReading(1, 7, { counters: { new_counter: 4 } })]);
    expect(await objects(setup)).toMatchObject([{ counters: [9, 4], span_counters: [7, 3] }]);
  });

  it('begins a new span where counters fell, or may have been lost, and samples that, too', async () => {
    const setup = await checksSetup();
    await setup.look(
      [1, 2, 3].map((oid) => sampleReading(oid, oid === 3 ? 0 : 7, oid === 3 ? { counters: { scans: 0 } } : {})),
    );
    await setup.pass('2 days');
    const before = await objects(setup);
    await setup.look([sampleReading(1, 6), sampleReading(2, 7), sampleReading(3, 0, { counters: { scans: 0 } })], {
      epoch: 'e2',
    });
    const after = await objects(setup);
    expect(after.map(({ since }, n) => since.getTime() === before[n]?.since.getTime())).toEqual([false, true, false]);
    expect(after[0]).toMatchObject({ since: after[0]?.seen, span_counters: [6, 106] });
    expect(after[2]).toMatchObject({ since: after[2]?.seen, changed: after[2]?.seen, span_counters: [0] });
    const sampled = (await samples(setup)).map(({ id }) => id);
    expect(sampled.filter((id) => id === after[2]?.['id'])).toHaveLength(2);
    expect(sampled.filter((id) => id === after[1]?.['id'])).toHaveLength(1);
  });

  it('finds gone what is not there any more, of kinds that it read in full on that node', async () => {
    const setup = await checksSetup();
    await setup.sql`UPDATE targets SET standbys = '["postgresql://me@standby:5433/shop"]' WHERE id = 'shop'`;
    const claimed = await setup.observing();
    const record = (node: string, readings: ReturnType<typeof sampleReading>[]) =>
      setup.observations.record(claimed, { node, epoch: 'e1', readings, complete: ['index', 'cluster'] });
    const all = [sampleReading(1, 7), sampleReading(2, 7), sampleReading(3, 7, { kind: 'table' })];
    await record('primary', all);
    await record('standby:5433/shop', all);
    await record('primary', [sampleReading(1, 7)]);
    const gone = async () =>
      (await objects(setup)).map(({ node, kind, oid, gone }) => `${node} ${kind} ${oid} ${gone !== null}`);
    expect(await gone()).toEqual([
      'primary index 1 false',
      'primary index 2 true',
      'primary table 3 false',
      'standby:5433/shop index 1 false',
      'standby:5433/shop index 2 false',
      'standby:5433/shop table 3 false',
    ]);
    const [, before] = await objects(setup);
    await record('primary', [sampleReading(1, 7)]);
    expect((await objects(setup))[1]).toEqual(before);
  });

  it('takes what comes back for another object: its span begins anew', async () => {
    const setup = await checksSetup();
    await setup.look([sampleReading(1, 7)]);
    await setup.look([]);
    await setup.pass('1 day');
    await setup.look([sampleReading(1, 9, { counters: { blocks_fetched: 200, scans: 9 } })]);
    const [object] = await objects(setup);
    expect(object).toMatchObject({
      gone: null,
      since: object?.seen,
      counter_names: ['scans', 'blocks_fetched'],
      span_counters: [9, 200],
    });
    expect(await samples(setup)).toHaveLength(2);
  });

  it('finds gone what is on a node that the target has no more', async () => {
    const setup = await checksSetup();
    await setup.look([sampleReading(1, 7)], { node: 'standby:5432/shop' });
    expect((await objects(setup))[0]).toMatchObject({ node: 'standby:5432/shop', gone: null });
    await setup.look([sampleReading(1, 7)]);
    expect((await objects(setup)).map(({ node, gone }) => [node, gone !== null])).toEqual([
      ['primary', false],
      ['standby:5432/shop', true],
    ]);
  });

  it('concerns its target alone', async () => {
    const setup = await checksSetup();
    const stock = await setup.observing('stock');
    await setup.look([sampleReading(1, 7)]);
    await setup.observations.record(stock, { node: 'primary', epoch: 'x', readings: [], complete: ['index'] });
    expect(await objects(setup)).toMatchObject([{ oid: 1, gone: null, epoch: 'e1' }]);
  });

  it('may read more than is sent in one statement', async () => {
    const setup = await checksSetup();
    const readings = (scans: number) => Array.from({ length: 10_001 }, (_, oid) => sampleReading(oid, scans));
    await setup.look(readings(1));
    await setup.look(readings(2));
    const [row] = await setup.sql`
      SELECT count(*)::int AS objects, count(*) FILTER (WHERE counters[1] = 2 AND span_counters[1] = 1 AND gone_at IS NULL)::int AS right FROM observed_objects`;
    expect({ ...row }).toEqual({ objects: 10_001, right: 10_001 });
  });

  it('with an object twice is refused, and writes nothing', async () => {
    const setup = await checksSetup();
    await setup.look([sampleReading(1, 7)]);
    const before = await setup.checkContents();
    await expect(setup.look([sampleReading(2, 1), sampleReading(2, 1)])).rejects.toThrow();
    expect(await setup.checkContents()).toEqual(before);
  });

  it('waits for another one at the same node: no counts are mixed up', async () => {
    const setup = await checksSetup();
    await Promise.all(
      Array.from({ length: 4 }, async (_, n) =>
        setup.observations.record(await setup.observing(), {
          node: 'primary',
          epoch: 'e1',
          readings: [1, 2, 3].map((oid) => sampleReading(oid, 5 + n)),
          complete: ['index'],
        }),
      ),
    );
    const all = await objects(setup);
    expect(all).toHaveLength(3);
    expect(new Set(all.map(({ counters }) => JSON.stringify(counters))).size).toBe(1);
  });
});

describe('a claim that ended', () => {
  it('writes nothing of a look, though it ends while the look is on its way', async () => {
    const setup = await checksSetup();
    const looking = await setup.sql.begin(async (takeover) => {
      await takeover`DELETE FROM leases WHERE task_id = ${setup.claimed.task.id}`;
      const written = setup.look([sampleReading(1, 7)]);
      await setup.waitForLock();
      return { written };
    });
    expect(await looking.written).toBe(false);
    expect(await objects(setup)).toEqual([]);
  });
});
