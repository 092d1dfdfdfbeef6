import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, type PostgresMajor, startPostgres } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { countOf, daysAgo, rigWith, rule, sneaking, tables } from '../../test/retention-rig.ts';
import { openRig } from '../../test/target-rig.ts';
import { retentionEnforcement } from './index.ts';

const events = rule({ table: 'events', column: 'at' });
const eventsSql = [
  'CREATE TABLE events (id int, at timestamptz) PARTITION BY RANGE (at)',
  `CREATE TABLE old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('${daysAgo(31)}')`,
  `CREATE TABLE young PARTITION OF events FOR VALUES FROM ('${daysAgo(31)}') TO ('${daysAgo(-9)}')`,
  `INSERT INTO events SELECT g, now() - make_interval(days => d) FROM generate_series(1, 5) g, unnest(ARRAY[90, 1]) d`,
];
const defaultSql = 'CREATE TABLE others PARTITION OF events DEFAULT';
const setup = (major: PostgresMajor, ...more: string[]) => rigWith(major, [...eventsSql, ...more]);

/** Waits until our lock request is queued. */
async function queued(rig: Awaited<ReturnType<typeof setup>>, mode: string): Promise<void> {
  const waiting = `SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND l.mode = $1
    AND a.application_name = 'slacktide/test/1' AND a.datname = current_database()`;
  await expect.poll(async () => (await rig.sql(waiting, [mode])).length, { interval: 10 }).toBeGreaterThan(0);
}

describe.each([14, 18] as const)(
  'RETENTION_ENFORCEMENT takes partitions from their table on PostgreSQL %i',
  (major) => {
    it('locks the table for a moment where there is a DEFAULT partition, and lets readers past it', async () => {
      await using rig = await setup(major, defaultSql);
      const holder = await rig.connect();
      await holder.query('BEGIN; SELECT FROM events');
      const running = rig.run(retentionEnforcement, { rules: [events], lock_limit_seconds: 1 });
      await queued(rig, 'AccessExclusiveLock');
      // It comes after us, and gets its rows though the lock we wait for is never granted.
      expect(await countOf(rig, 'events')).toBe(10);
      const { plan, steps, rollbackPoints } = await running;
      expect(plan?.steps[0]?.statements).toEqual([
        'ALTER TABLE public.events DETACH PARTITION public.old',
        'DROP TABLE public.old',
      ]);
      expect(steps).toMatchObject([{ outcome: { kind: 'skipped', reason: 'locked', result: { blockers: [{}] } } }]);
      expect(rollbackPoints).toMatchObject([{ state: 'void' }]);
      expect(await holder.query('SELECT 1 AS one')).toMatchObject({ rows: [{ one: 1 }] });
      await holder.query('COMMIT');
      expect((await rig.run(retentionEnforcement, { rules: [events] })).steps).toMatchObject([
        { outcome: { kind: 'done' } },
      ]);
      expect(await tables(rig)).toEqual(['events', 'others attached', 'young attached']);
    });

    it('drops nothing while the DEFAULT partition has rows of that age', async () => {
      await using rig = await setup(
        major,
        defaultSql,
        'ALTER TABLE events DETACH PARTITION old',
        `ALTER TABLE events ATTACH PARTITION old FOR VALUES FROM (MINVALUE) TO ('${daysAgo(60)}')`,
        `INSERT INTO events VALUES (8, now() - interval '40 days')`,
      );
      const { plan } = await rig.run(retentionEnforcement, { rules: [events] });
      expect(plan).toMatchObject({
        steps: [],
        skipped: [{ object: 'public.old', reason: 'default_holds_expired_rows: public.others' }],
      });
      // Rows can be deleted wherever they are.
      const deleted = await rig.run(retentionEnforcement, {
        rules: [{ ...events, method: 'delete', allow_scan: true }],
      });
      expect(deleted.steps.map(({ step, outcome }) => [step.key, outcome])).toMatchObject([
        ['public.old', { kind: 'done', result: { deleted_rows: 5 } }],
        ['public.others', { kind: 'done', result: { deleted_rows: 1 } }],
      ]);
      expect((await rig.run(retentionEnforcement, { rules: [events] })).steps).toMatchObject([
        { step: { key: 'public.old' }, outcome: { kind: 'done' } },
      ]);
    });

    it('waits, skips or goes where others use the table; cut short, it is finished by the sweep', async () => {
      await using rig = await setup(major);
      const holder = await rig.connect({ applicationName: 'report' });
      await holder.query('BEGIN; SELECT FROM events');
      const skipped = await rig.run(retentionEnforcement, { rules: [events], gate: 'skip' });
      expect(skipped.steps).toMatchObject([
        { outcome: { kind: 'skipped', reason: 'blocked', result: { blockers: [{ application_name: 'report' }] } } },
      ]);
      expect(skipped.remnants).toMatchObject([{ outcome: 'absent' }]);
      const cut = await rig.run(retentionEnforcement, { rules: [events], gate: 'go', lock_timeout_seconds: 1 });
      expect(cut.steps).toMatchObject([
        { outcome: { kind: 'failed', error: { code: 'detach_pending', detail: { cause: 'lock_timeout' } } } },
      ]);
      expect(cut.rollbackPoints).toMatchObject([{ state: 'armed' }]);
      expect(await tables(rig)).toContain('old pending');
      const [remnant] = cut.remnants;
      expect(remnant).toMatchObject({ kind: 'table', outcome: null, proof: { drops: true, partition: 'public.old' } });

      const sweep = async () => {
        const swept: unknown[] = [];
        const sweeper = {
          ...retentionEnforcement,
          runStep: async (_: unknown, run: Parameters<typeof retentionEnforcement.runStep>[1]) => {
            const record = {
              ...remnant,
              id: 1,
              targetId: 't',
              taskId: 't',
              taskType: null,
              fence: 1,
              recordedAt: new Date(),
            };
            const { sweep: sweepIt } = retentionEnforcement;
            swept.push(
              await sweepIt?.(run.session, record as never, { fileRoots: [] }).catch((error: Error) => error.message),
            );
            return { kind: 'skipped' as const, reason: 'swept' };
          },
        };
        await rig.run(sweeper, { rules: [events] });
        return swept;
      };
      // While it cannot be, the record stays open, and nobody is ended for it.
      expect(await sweep()).toEqual([expect.stringContaining('lock timeout')]);
      await holder.query('COMMIT');
      expect(await sweep()).toMatchObject([{ outcome: 'kept', note: expect.stringContaining('attach it again by') }]);
      expect(await tables(rig)).toEqual(['events', 'old', 'young attached']);
      for (const statement of cut.rollbackPoints[0]?.statements ?? []) await rig.sql(statement);
      expect(await countOf(rig, 'events')).toBe(10);
    });

    it('finishes at the next run what was cut short', async () => {
      await using rig = await setup(major);
      const holder = await rig.connect();
      await holder.query('BEGIN; SELECT FROM events');
      const somebody = await rig.connect();
      await somebody.query(`SET lock_timeout = '100ms'`);
      await somebody.query('ALTER TABLE events DETACH PARTITION old CONCURRENTLY').catch(() => undefined);
      await holder.query('COMMIT');
      const { plan, steps } = await rig.run(retentionEnforcement, { rules: [events] });
      expect(plan?.steps[0]?.statements[0]).toBe('ALTER TABLE public.events DETACH PARTITION public.old FINALIZE');
      expect(steps).toMatchObject([{ outcome: { kind: 'done', result: { rows: 5 } } }]);
      expect(await tables(rig)).toEqual(['events', 'young attached']);
    });

    it('gives way when somebody has to wait for it for too long', async () => {
      await using rig = await setup(major);
      const direct = await rig.connect();
      const another = await rig.connect();
      const sneaky = sneaking(() => direct.query('BEGIN; SELECT FROM old'));
      const running = rig.run(sneaky, { rules: [events], gate: 'go', lock_timeout_seconds: 60 });
      await queued(rig, 'AccessExclusiveLock');
      // Behind our lock on the partition; it gets there while the holder is still there.
      expect((await another.query('SELECT FROM old')).rowCount).toBe(5);
      await direct.query('COMMIT');
      const { steps } = await running;
      expect(steps).toMatchObject([{ outcome: { kind: expect.stringMatching(/^(done|failed)$/) } }]);
      expect(await tables(rig)).not.toContain('old attached');
    });

    it('leaves alone what was changed since the plan', async () => {
      await using rig = await setup(major);
      const change = (sql: string) =>
        rig.run(retentionEnforcement, { rules: [events] }, { beforeSteps: async () => void (await rig.sql(sql)) });
      expect((await change('ALTER TABLE old RENAME TO older')).steps).toMatchObject([
        { outcome: { kind: 'skipped', reason: 'changed_since_planned' } },
      ]);
      expect((await change('ALTER TABLE events DETACH PARTITION older')).steps).toMatchObject([
        { outcome: { kind: 'skipped', reason: 'changed_since_planned' } },
      ]);
      await rig.sql(`ALTER TABLE events ATTACH PARTITION older FOR VALUES FROM (MINVALUE) TO ('${daysAgo(60)}')`);
      expect((await change('DROP TABLE older')).steps).toMatchObject([
        { outcome: { kind: 'skipped', reason: 'partition_gone' } },
      ]);
    });

    it('says which GRANT is missing, and does it once it is there', async () => {
      await using rig = await setup(major);
      const adminUrl = inject('targetUrls')[major];
      const owner = await createRole(adminUrl);
      const care = await createRole(adminUrl);
      await rig.sql(`ALTER ROLE ${care.name} PASSWORD 'postgres'`);
      await rig.sql(
        `ALTER TABLE events OWNER TO ${owner.name}; ALTER TABLE old OWNER TO ${owner.name}; GRANT CREATE ON SCHEMA public TO ${owner.name}`,
      );
      const grant = `GRANT ${owner.name} TO ${care.name}`;
      const { plan, steps } = await rig.run(retentionEnforcement, { rules: [events] }, { as: care.name });
      expect(plan?.unknown).toEqual([{ object: 'public.old', reason: 'insufficient_privilege', grant }]);
      expect(steps).toMatchObject([
        { outcome: { kind: 'failed', error: { code: 'insufficient_privilege', detail: { grant } } } },
      ]);
      await rig.sql(grant);
      expect((await rig.run(retentionEnforcement, { rules: [events] }, { as: care.name })).steps).toMatchObject([
        { outcome: { kind: 'done' } },
      ]);
      await rig.sql(`REVOKE CREATE ON SCHEMA public FROM ${owner.name}; ALTER TABLE events OWNER TO postgres`);
      expect(await tables(rig)).toEqual(['events', 'young attached']);
    });
  },
);

it('sends its settings before each statement that locks', async () => {
  const server = await startPostgres(18, { flags: ['log_statement=all', 'log_line_prefix=%a|'] });
  onTestFinished(() => server.stop());
  await using rig = await openRig(await createDatabase(server.url));
  await rig.sql(eventsSql.join(';'));
  await rig.run(retentionEnforcement, { rules: [events], lock_timeout_seconds: 7 });
  const log = await readFile(join(dirname(server.dataDir), 'postgres.log'), 'utf8');
  const ours = log.split('\n').filter((line) => line.startsWith('slacktide/test/1|'));
  const at = (pattern: RegExp) => ours.findIndex((line) => pattern.test(line));
  const settings = ours.flatMap((line, i) =>
    /set_config\('lock_timeout'/.test(line) ? [[i, /= '(\w+)'/.exec(ours[i + 1] ?? '')?.[1]] as const] : [],
  );
  const before = (position: number) => settings.filter(([i]) => i < position).at(-1)?.[1];
  const [detached, dropped] = [at(/: ALTER TABLE .* CONCURRENTLY$/), at(/: DROP TABLE public\.old$/)];
  expect([before(detached), before(dropped)]).toEqual(['7s', '100ms']);
  expect(dropped).toBeGreaterThan(detached);
});
