import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { openCheckRig, standbyAt } from '../../test/check-rig.ts';
import { workload } from './index.ts';

const nobody = 'workload_nobody';

describe.each(majors)('workload on PostgreSQL %i', (major) => {
  it('counts rows read and written between looks, here and on standbys, and finds updates that are seldom HOT', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.execute([
      `CREATE SCHEMA "we're"`,
      `CREATE TABLE "we're"."we""ird; --" (id int PRIMARY KEY, n int)`,
      `CREATE INDEX ON "we're"."we""ird; --" (n)`,
      'CREATE TABLE parts (id int, n int) PARTITION BY LIST (id)',
      'CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1) WITH (fillfactor = 10)',
      `INSERT INTO "we're"."we""ird; --" SELECT g, g FROM generate_series(1, 200) g`,
      'INSERT INTO parts SELECT 1, g FROM generate_series(1, 100) g',
      'VACUUM ANALYZE',
    ]);
    // The counters are told when a session ends; before 15 by a message that may come late.
    const written = `SELECT sum(n_tup_ins)::int AS ins, sum(n_tup_upd)::int AS upd FROM pg_stat_user_tables`;
    await expect.poll(() => rig.sql(written)).toEqual([{ ins: 300, upd: 0 }]);
    const first = await rig.run(workload);
    expect(first).toMatchObject({ checked: 0, figures: { workload_type: 'unknown' } });
    expect(first.unknown).toMatchObject([{ reason: 'no earlier look to compare with' }]);

    // An indexed column changes, in pages with room and without; the other table's updates have room, and change none.
    await rig.execute([`UPDATE "we're"."we""ird; --" SET n = n + 1`, 'UPDATE parts SET n = n + 1']);
    await expect.poll(() => rig.sql(written)).toEqual([{ ins: 300, upd: 300 }]);
    const busy = await rig.run(workload, { min_updates: 100 });
    // Rows were read only to be updated.
    expect(busy.figures).toMatchObject({
      workload_type: 'write-heavy',
      rows_read: 0,
      rows_updated: 300,
      write_ratio: 1,
    });
    expect(busy.findings).toMatchObject([
      {
        object: { kind: 'table', schema: "we're", name: 'we"ird; --', table: null },
        evidence: {
          updates: 200,
          hot_updates: 0,
          indexes: 2,
          new_page_updates: major >= 16 ? expect.any(Number) : null,
        },
        action: null,
      },
    ]);

    // Index-only scans fetch nothing from the table, and are reads all the same.
    await rig.sql('VACUUM');
    const scans = Array.from({ length: 30 }, () => `SELECT count(id) FROM "we're"."we""ird; --" WHERE id > 0`);
    await rig.execute(['SET enable_seqscan = off', 'SET enable_bitmapscan = off', ...scans]);
    const rowsRead = async () => Number((await rig.run(workload)).figures['rows_read']);
    await expect.poll(rowsRead).toBeGreaterThanOrEqual(6000);
    // Besides, the planner looks up the ends of the range.
    expect(await rowsRead()).toBeLessThan(6100);
    expect((await rig.run(workload)).figures).toMatchObject({ workload_type: 'read-heavy', standbys_registered: 0 });

    // Another look at the same server stands in for a standby: what was read there is added.
    const standbys = [
      standbyAt(rig.url, 'standby:5432/shop'),
      standbyAt(rig.url.replace(/:\d+\//, ':1/'), 'down:5432/shop'),
    ];
    rig.snapshots.clear();
    await rig.run(workload, {}, { standbys });
    await rig.execute(['SET enable_seqscan = off', ...scans]);
    const figures = async () => (await rig.run(workload, {}, { standbys })).figures;
    await expect.poll(async () => Number((await figures())['rows_read_on_standbys'])).toBeGreaterThanOrEqual(6000);
    const { rows_read: here, rows_read_on_standbys: there, ...counted } = await figures();
    expect(here).toBe(2 * Number(there));
    expect(counted).toMatchObject({ standbys_counted: 1, standbys_registered: 2 });
    const down = await rig.run(workload, {}, { standbys });
    expect(down.unknown).toMatchObject([
      { object: 'down:5432/shop', reason: expect.stringContaining('could not be read') },
    ]);

    // Nothing of this is hidden from anybody.
    await rig.sql(`CREATE ROLE ${nobody} LOGIN PASSWORD 'postgres'`);
    try {
      expect((await rig.run(workload, {}, { as: nobody })).figures).toMatchObject({ workload_type: 'read-heavy' });
    } finally {
      await rig.sql(`DROP ROLE ${nobody}`);
    }

    // A reset, of whatever counter: nothing before it can be compared with.
    await rig.sql('SELECT pg_stat_reset()');
    await expect.poll(async () => (await rig.run(workload)).figures).toMatchObject({ workload_type: 'unknown' });
  });
});
