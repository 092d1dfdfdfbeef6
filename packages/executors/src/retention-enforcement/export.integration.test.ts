import { mkdir, readdir, readFile, rmdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFrames } from '../../test/read-frames.ts';
import { countOf, daysAgo, exportRoot, kinds, rigWith, rule, sneaking, tables } from '../../test/retention-rig.ts';
import { retentionEnforcement } from './index.ts';

const hostile = `"../../e""v; --"`;
const partitionedSql = [
  `CREATE TABLE ${hostile} (id int, at timestamptz, j json, b bytea, t text, f float8) PARTITION BY RANGE (at)`,
  `CREATE TABLE old PARTITION OF ${hostile} FOR VALUES FROM (MINVALUE) TO ('${daysAgo(31)}') PARTITION BY LIST (id)`,
  'CREATE TABLE one PARTITION OF old FOR VALUES IN (1)',
  // Its columns have another order.
  'CREATE TABLE rest (f float8, t text, b bytea, j json, at timestamptz, id int)',
  'ALTER TABLE old ATTACH PARTITION rest DEFAULT',
  `INSERT INTO ${hostile} SELECT g, now() - make_interval(days => 31 + g), E'{"a": 1,\\n "a":  2}', '\\x00ff', E'line\\nbreak "ü" \\\\ ' || repeat('x', g), 0.1 + g
   FROM generate_series(1, 500) g`,
];
const events = rule({ table: hostile, column: 'at' });

async function files(root: string): Promise<string[]> {
  return (await readdir(root)).toSorted();
}

describe.each([14, 18] as const)('RETENTION_ENFORCEMENT exports before it deletes on PostgreSQL %i', (major) => {
  it('writes every row of a partition, and drops it once the file is proved to hold them', async () => {
    const { root, context } = await exportRoot();
    await using rig = await rigWith(major, partitionedSql);
    const lines = await rig.sql<{ id: number; line: string }>(
      `SELECT id, row_to_json(t.*)::text AS line FROM old t ORDER BY id`,
    );
    const { plan, steps } = await rig.run(
      retentionEnforcement,
      { rules: [{ ...events, export_to: root }] },
      { context },
    );
    expect(await kinds(plan?.steps[0]?.statements ?? [])).toContain('SelectStmt');
    const exported = { rows: 500, path: expect.stringMatching(/\/public\.old-\d{8}T\d{6}Z-[0-9a-f]{8}\.jsonl\.zst$/) };
    expect(steps).toMatchObject([{ outcome: { kind: 'done', result: { rows: 500, export: exported } } }]);
    const [data = '', manifest = ''] = await files(root);
    expect(manifest).toBe(`${data}.manifest.json`);
    expect(JSON.parse(await readFile(join(root, manifest), 'utf8'))).toMatchObject({
      format: 'jsonl.zst',
      of: 'public.old',
      rows: 500,
    });
    const kept = readFrames(await readFile(join(root, data)))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(kept.toSorted((a, b) => a.id - b.id)).toEqual(lines.map(({ line }) => JSON.parse(line)));
    expect(kept[0]).toMatchObject({ b: '\\x00ff', j: { a: 2 }, t: expect.stringContaining('line\nbreak "ü" \\ ') });
    expect(await tables(rig)).toEqual(['../../e"v; --']);
  });

  it('keeps a partition whose rows changed meanwhile, attached as before, and no file of it', async () => {
    const { root, context } = await exportRoot();
    await using rig = await rigWith(major, partitionedSql);
    const sneaky = sneaking(() => rig.sql(`UPDATE one SET t = 'changed'`));
    const { steps, rollbackPoints } = await rig.run(sneaky, { rules: [{ ...events, export_to: root }] }, { context });
    expect(steps).toMatchObject([{ outcome: { kind: 'skipped', reason: 'changed_meanwhile' } }]);
    expect(rollbackPoints).toMatchObject([{ state: 'void' }]);
    expect(await files(root)).toEqual([]);
    expect(await countOf(rig, hostile)).toBe(500);
  });

  it('writes rows before the transaction that deletes them commits', async () => {
    const { root, context } = await exportRoot();
    await using rig = await rigWith(major, [
      'CREATE TABLE log (id int, at timestamptz)',
      'CREATE INDEX ON log (at)',
      `INSERT INTO log SELECT g, now() - make_interval(days => g) FROM generate_series(1, 100) g`,
    ]);
    const config = { rules: [rule({ table: 'log', column: 'at', batch_rows: 20, export_to: root })] };
    const { plan, steps } = await rig.run(retentionEnforcement, config, { context });
    expect(await kinds(plan?.steps[0]?.statements ?? [])).toEqual(['TransactionStmt', 'SelectStmt', 'TransactionStmt']);
    expect(steps).toMatchObject([
      { outcome: { kind: 'done', result: { deleted_rows: 71, batches: 4, export: { rows: 71 } } } },
    ]);
    const [data = ''] = await files(root);
    const ids = readFrames(await readFile(join(root, data)))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).id);
    expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 71 }, (_, i) => 30 + i));
    expect(await countOf(rig, 'log')).toBe(29);
    expect((await rig.run(retentionEnforcement, config, { context })).plan?.steps).toEqual([]);
    expect(await files(root)).toHaveLength(2);
  });

  it('keeps in the file what was deleted, and no more, when a later batch fails', async () => {
    const { root, context } = await exportRoot();
    await using rig = await rigWith(major, [
      'CREATE TABLE log (id int, at timestamptz)',
      'CREATE INDEX ON log (at)',
      `INSERT INTO log SELECT g, now() - make_interval(days => 200 - g) FROM generate_series(1, 100) g`,
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'not this one'; END$$`,
      'CREATE TRIGGER refuse BEFORE DELETE ON log FOR EACH ROW WHEN (OLD.id = 50) EXECUTE FUNCTION refuse()',
    ]);
    const config = { rules: [rule({ table: 'log', column: 'at', batch_rows: 20, export_to: root })] };
    const { plan, steps, effects } = await rig.run(retentionEnforcement, config, { context });
    expect(plan?.steps).toMatchObject([{ data: { triggers: ['refuse'] } }]);
    const detail = { deleted_rows: 40, batches: 2, export: { rows: 40 }, sql_state: 'P0001' };
    expect(steps).toMatchObject([{ outcome: { kind: 'failed', error: { code: 'statement_failed', detail } } }]);
    expect(effects).toMatchObject([{ detail: { rows: 40 } }]);
    const [data = ''] = await files(root);
    const kept = readFrames(await readFile(join(root, data)))
      .trimEnd()
      .split('\n');
    expect(kept.map((line) => JSON.parse(line).id)).toEqual(Array.from({ length: 40 }, (_, i) => 1 + i));
    expect(await countOf(rig, 'log')).toBe(60);
  });

  it('deletes nothing when the file cannot be written', async () => {
    const { root, context } = await exportRoot();
    await using rig = await rigWith(major, [
      ...partitionedSql,
      'CREATE TABLE log (at date)',
      `INSERT INTO log VALUES ('2020-01-01')`,
    ]);
    const folder = join(root, 'full');
    await mkdir(folder);
    const rules = [
      { ...events, export_to: folder },
      rule({ table: 'log', column: 'at', allow_scan: true, export_to: folder }),
    ];
    // The folder is gone when the plan is carried out.
    const beforeSteps = () => rmdir(folder);
    const { steps } = await rig.run(retentionEnforcement, { rules }, { context, beforeSteps });
    expect(steps).toMatchObject([
      { outcome: { kind: 'failed', error: { code: 'export_failed' } } },
      { outcome: { kind: 'failed', error: { code: 'export_failed' } } },
    ]);
    expect([await countOf(rig, hostile), await countOf(rig, 'log')]).toEqual([500, 1]);
  });

  it('writes below the roots of the worker, and nowhere else', async () => {
    const { root, context } = await exportRoot();
    const { root: elsewhere } = await exportRoot();
    await symlink(elsewhere, join(root, 'out'));
    await using rig = await rigWith(major, partitionedSql);
    const problemOf = async (export_to: string, rest = {}) =>
      (await rig.run(retentionEnforcement, { rules: [{ ...events, ...rest, export_to }] }, { context })).problems[0]
        ?.code;
    expect(await problemOf(elsewhere)).toBe('export_not_allowed');
    expect(await problemOf(join(root, 'out'))).toBe('export_not_allowed');
    expect(await problemOf(join(root, '..'))).toBe('export_not_allowed');
    expect(await problemOf(`${root}-more`)).toBe('export_no_folder');
    expect(await problemOf('exports')).toBe('export_not_allowed');
    expect(await problemOf(join(root, 'missing'))).toBe('export_no_folder');
    expect(await problemOf(root, { method: 'detach_partitions' })).toBe('nothing_to_export');
    expect(await countOf(rig, hostile)).toBe(500);
  });
});
