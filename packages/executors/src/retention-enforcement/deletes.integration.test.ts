import { describe, expect, inject, it } from 'vitest';
import { majors, type PostgresMajor } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { countOf, kinds, rigWith, rule } from '../../test/retention-rig.ts';
import { retentionEnforcement } from './index.ts';

/** 100 expired rows, a day apart, and 10 young ones. */
const logSql = [
  'CREATE TABLE log (id int PRIMARY KEY, at timestamptz, who text)',
  'CREATE INDEX ON log (at)',
  `INSERT INTO log SELECT g, now() - make_interval(days => 30 + g), 'w' || g % 3 FROM generate_series(1, 100) g`,
  'INSERT INTO log SELECT -g, now() FROM generate_series(1, 10) g',
];
const log = rule({ table: 'log', column: 'at' });
const setup = (major: PostgresMajor, ...more: string[]) => rigWith(major, [...logSql, ...more]);

describe.each(majors)('RETENTION_ENFORCEMENT of rows on PostgreSQL %i', (major) => {
  it('deletes expired rows in batches, the oldest first, and keeps what is on hold', async () => {
    await using rig = await setup(
      major,
      'CREATE TRIGGER "au""dit" BEFORE DELETE ON log FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
      'ALTER TABLE log DISABLE TRIGGER "au""dit"',
    );
    const held = {
      ...log,
      batch_rows: 30,
      legal_hold: [
        { column: 'who', values: ['w0', `o'w"n`] },
        { column: 'id', values: [1] },
      ],
    };
    const { plan, steps, effects, progress } = await rig.run(retentionEnforcement, { rules: [held] });
    expect(plan).toMatchObject({
      checked: 1,
      skipped: [{ object: 'public.log', reason: 'legal_hold: 34 rows' }],
      unknown: [],
    });
    expect(plan?.steps).toMatchObject([
      {
        key: 'public.log',
        lockMode: 'ROW EXCLUSIVE',
        reversible: false,
        data: { rows: 66, held: 34, triggers: [], fan_out: [], scan: false },
      },
    ]);
    expect(plan?.steps[0]?.statements).toEqual([
      expect.stringMatching(
        /^WITH gone AS \(DELETE FROM ONLY public\.log AS t WHERE .* ORDER BY t\.at LIMIT \$3::int4 FOR UPDATE OF t SKIP LOCKED/,
      ),
    ]);
    expect(await kinds(plan?.steps[0]?.statements ?? [])).toEqual(['SelectStmt']);
    expect(steps).toMatchObject([
      {
        outcome: { kind: 'done', result: { deleted_rows: 66, batches: 3, stopped: null, left_rows: 0, export: null } },
      },
    ]);
    expect(progress.map(({ percent }) => percent)).toEqual([45, 90, 100]);
    expect(effects).toMatchObject([
      { action: 'retention', object: 'public.log', detail: { rows: 66, method: 'delete' } },
    ]);
    expect(retentionEnforcement.summarise?.(steps)).toEqual({ partitions: 0, deleted_rows: 66, bytes: 0 });
    expect(
      await rig.sql(
        `SELECT count(*)::int AS n FROM log WHERE at < now() - interval '30 days' AND (who = 'w0' OR id = 1)`,
      ),
    ).toEqual([{ n: 34 }]);
    expect(await countOf(rig, 'log')).toBe(44);
    expect((await rig.run(retentionEnforcement, { rules: [held] })).plan?.steps).toEqual([]);
  });
});

describe.each([14, 18] as const)('RETENTION_ENFORCEMENT of rows, oldest and newest: PostgreSQL %i', (major) => {
  it('leaves whole batches behind when it is stopped, and the next run ends it', async () => {
    await using rig = await setup(major);
    const config = { rules: [{ ...log, batch_rows: 30 }] };
    const stop = new AbortController();
    const cancelled = rig.run(retentionEnforcement, config, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(cancelled).rejects.toThrow();
    expect(await countOf(rig, 'log')).toBe(80);
    const late = `INSERT INTO log SELECT 1000 + g, now() - interval '200 days' FROM generate_series(1, 5) g`;
    let batches = 0;
    const breathe = () => (++batches === 2 ? 'overloaded' : 'go') as 'go';
    const put = await rig.run(retentionEnforcement, config, {
      breathe,
      beforeSteps: async () => void (await rig.sql(late)),
    });
    expect(put.steps).toMatchObject([
      { outcome: { kind: 'done', result: { deleted_rows: 60, stopped: 'load', left_rows: 15 } } },
    ]);
    const capped = await rig.run(retentionEnforcement, { rules: [{ ...log, batch_rows: 10, max_rows: 12 }] });
    expect(capped.steps).toMatchObject([
      { outcome: { result: { deleted_rows: 12, batches: 2, stopped: 'max_rows', left_rows: 3 } } },
    ]);
    expect((await rig.run(retentionEnforcement, config)).steps).toMatchObject([
      { outcome: { result: { deleted_rows: 3 } } },
    ]);
    expect(await countOf(rig, 'log')).toBe(10);
  });

  it('passes over rows that somebody else has locked, and stops where VACUUM does not keep up', async () => {
    await using rig = await setup(major);
    const holder = await rig.connect();
    await holder.query('BEGIN');
    await holder.query(`UPDATE log SET who = 'busy' WHERE id IN (50, 100)`);
    const { steps } = await rig.run(retentionEnforcement, { rules: [log] });
    expect(steps).toMatchObject([{ outcome: { result: { deleted_rows: 98, left_rows: 2 } } }]);
    const nothing = await rig.run(retentionEnforcement, { rules: [log] });
    expect(nothing.steps).toMatchObject([
      { outcome: { kind: 'skipped', reason: 'locked_or_referenced', result: { left_rows: 2 } } },
    ]);
    await holder.query('ROLLBACK');
    // Up to 14 an idle session keeps its latest counters for itself.
    await holder.end();
    await rig.counters('log', { n_dead_tup: 100 });
    const throttle = { ...retentionEnforcement.taskType.config.parse({}).throttle, max_pause_seconds: 0 };
    const stopped = await rig.run(retentionEnforcement, {
      rules: [{ ...log, batch_rows: 1 }],
      pause_dead_rows: 50,
      throttle,
    });
    expect(stopped.steps).toMatchObject([
      { outcome: { result: { deleted_rows: 1, stopped: 'dead_rows', left_rows: 1 } } },
    ]);
  });

  it('does not read everything for every batch unless it may', async () => {
    await using rig = await setup(
      major,
      'CREATE TABLE "n""o; --" (at date, "t" text)',
      `INSERT INTO "n""o; --" SELECT CURRENT_DATE - g FROM generate_series(0, 99) g`,
      'CREATE INDEX ON "n""o; --" (at) WHERE t IS NULL',
    );
    const scan = rule({ table: '"n""o; --"', column: 'at', batch_rows: 40 });
    const refused = await rig.run(retentionEnforcement, { rules: [scan] });
    expect(refused.problems).toMatchObject([{ pointer: '/rules/0/allow_scan', code: 'no_index' }]);
    const { plan, steps } = await rig.run(retentionEnforcement, { rules: [{ ...scan, allow_scan: true }] });
    expect(plan?.steps).toMatchObject([{ key: 'public."n""o; --"', data: { scan: true } }]);
    // Of the thirtieth day back nothing goes while it is not over.
    expect(steps).toMatchObject([{ outcome: { result: { deleted_rows: 69, batches: 2 } } }]);
    expect(await countOf(rig, '"n""o; --"')).toBe(31);
  });

  it('shows whom deleting would reach, and refuses that unless it may', async () => {
    await using rig = await setup(
      major,
      'CREATE TABLE item (id int PRIMARY KEY, log_id int REFERENCES log ON DELETE CASCADE)',
      'CREATE INDEX ON item (log_id)',
      'CREATE TABLE part (item_id int REFERENCES item ON DELETE CASCADE)',
      'CREATE INDEX ON part (item_id)',
      'CREATE TABLE note (log_id int REFERENCES log ON DELETE SET NULL)',
      'CREATE INDEX ON note (log_id)',
      'CREATE TABLE bill (log_id int REFERENCES log)',
      'CREATE INDEX ON bill (log_id)',
      'INSERT INTO item SELECT g, g FROM generate_series(1, 20) g',
      'INSERT INTO part SELECT g FROM generate_series(1, 5) g',
      'INSERT INTO note VALUES (1), (2), (-1)',
      'INSERT INTO bill VALUES (99), (100)',
    );
    const refused = await rig.run(retentionEnforcement, { rules: [log] });
    expect(refused.problems).toMatchObject([{ pointer: '/cascade', code: 'would_cascade' }]);
    for (const words of [
      '98 rows of public.log',
      'public.item (item_log_id_fkey, ON DELETE CASCADE, 20 rows)',
      'SET NULL, 2 rows',
    ])
      expect(refused.problems[0]?.detail).toContain(words);
    const { plan, steps } = await rig.run(retentionEnforcement, { rules: [log], cascade: 'allow' });
    expect(plan?.steps[0]?.data['fan_out']).toMatchObject([
      { table: 'public.item', on_delete: 'CASCADE', depth: 1, rows: 20 },
      { table: 'public.part', on_delete: 'CASCADE', depth: 2, rows: 5 },
      { table: 'public.note', on_delete: 'SET NULL', depth: 1, rows: 2 },
      { table: 'public.bill', on_delete: 'NO ACTION', depth: 1, rows: 2 },
    ]);
    expect(plan?.steps[0]?.data).toMatchObject({ rows: 98 });
    // What others refer to without saying what is to become of it stays.
    expect(steps).toMatchObject([{ outcome: { kind: 'done', result: { deleted_rows: 98, left_rows: 2 } } }]);
    expect([await countOf(rig, 'item'), await countOf(rig, 'part'), await countOf(rig, 'bill')]).toEqual([0, 0, 2]);
  });

  it('says which rights are missing, and deletes nothing that policies, rules or other keys have changed', async () => {
    const adminUrl = inject('targetUrls')[major];
    const care = await createRole(adminUrl);
    await using rig = await setup(
      major,
      'CREATE TABLE bill (log_id int REFERENCES log)',
      'CREATE INDEX ON bill (log_id)',
      'CREATE SCHEMA hidden',
      'ALTER TABLE log SET SCHEMA hidden',
    );
    await rig.sql(`ALTER ROLE ${care.name} PASSWORD 'postgres'; REVOKE ALL ON SCHEMA public FROM PUBLIC`);
    const hidden = { rules: [{ ...log, table: 'hidden.log' }] };
    const as = { as: care.name };
    const { plan, steps } = await rig.run(retentionEnforcement, hidden, as);
    expect(steps).toMatchObject([{ outcome: { kind: 'failed', error: { code: 'insufficient_privilege' } } }]);
    const grants = plan?.unknown.map(({ grant }) => grant ?? '') ?? [];
    expect(grants).toEqual([
      `GRANT USAGE ON SCHEMA hidden TO ${care.name}; GRANT SELECT, UPDATE, DELETE ON TABLE hidden.log TO ${care.name}`,
      `GRANT USAGE ON SCHEMA public TO ${care.name}; GRANT SELECT ON TABLE public.bill TO ${care.name}`,
    ]);
    await rig.sql(grants.join('; '));
    const change = (sql: string) =>
      rig.run(retentionEnforcement, hidden, { ...as, beforeSteps: async () => void (await rig.sql(sql)) });
    const changed = [{ outcome: { kind: 'skipped', reason: 'changed_since_planned' } }];
    const another = 'CREATE TABLE more (log_id int REFERENCES hidden.log ON DELETE CASCADE)';
    expect((await change(another)).steps).toMatchObject(changed);
    await rig.sql('DROP TABLE more');
    expect((await change('ALTER TABLE hidden.log ENABLE ROW LEVEL SECURITY')).steps).toMatchObject(changed);
    const policies = await rig.run(retentionEnforcement, hidden, as);
    expect(policies.problems).toMatchObject([{ code: 'row_security' }]);
    await rig.sql('ALTER TABLE hidden.log DISABLE ROW LEVEL SECURITY');
    expect((await rig.run(retentionEnforcement, hidden, as)).steps).toMatchObject([
      { outcome: { kind: 'done', result: { deleted_rows: 100 } } },
    ]);
    await rig.sql(`DROP OWNED BY ${care.name}`);
  });

  it('refuses what it does not understand', async () => {
    await using rig = await setup(
      major,
      'CREATE TABLE heir () INHERITS (log)',
      'CREATE VIEW v AS SELECT * FROM log',
      'CREATE RULE r AS ON DELETE TO log DO INSTEAD NOTHING',
    );
    const rules = [
      rule({ table: 'nowhere', column: 'at' }),
      rule({ table: 'log', column: 'nothing' }),
      rule({ table: 'log', column: 'who' }),
      rule({ table: 'log', column: 'id' }),
      rule({ table: 'log', column: 'at', unit: 'seconds' }),
      log,
      rule({ table: 'pg_catalog.pg_class', column: 'oid' }),
    ];
    const { problems } = await rig.run(retentionEnforcement, { rules });
    expect(problems.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/rules/0/table', 'unknown_table'],
      ['/rules/1/column', 'unknown_column'],
      ['/rules/2/column', 'column_type'],
      ['/rules/3/unit', 'unit_needed'],
      ['/rules/4/unit', 'unit_not_wanted'],
      ['/rules/5/method', 'has_heirs'],
      ['/rules/6/table', 'excluded_table'],
    ]);
    await rig.sql('DROP TABLE heir');
    expect((await rig.run(retentionEnforcement, { rules: [log] })).problems).toMatchObject([{ code: 'delete_rule' }]);
  });
});
