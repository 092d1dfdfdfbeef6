import type { JsonObject } from '@slacktide/domain';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, type PostgresMajor } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { registered, withTemplates } from '../../test/custom-templates.ts';
import { openRig, type RigOptions } from '../../test/target-rig.ts';
import { custom } from './index.ts';

type Content = Parameters<typeof registered>[0];

async function setup(major: PostgresMajor) {
  const adminUrl = inject('targetUrls')[major];
  const database = await createDatabase(adminUrl);
  const rig = await openRig(database);
  onTestFinished(() => rig[Symbol.asyncDispose]());
  await rig.sql(`
    CREATE TABLE public.t (id int PRIMARY KEY, note text);
    INSERT INTO public.t SELECT n, 'note ' || n FROM generate_series(1, 500) AS n;
    CREATE INDEX t_note ON public.t (note)`);
  const run = (content: Content, config: JsonObject = {}, options: RigOptions = {}) =>
    rig.run(
      custom,
      { template: 'tidy', version: 1, ...config },
      { context: withTemplates(registered(content)), ...options },
    );
  const indexes = async (): Promise<unknown[]> =>
    (
      await rig.sql<{ name: string }>(`SELECT relname || CASE WHEN indisvalid THEN '' ELSE ' invalid' END AS name
        FROM pg_class JOIN pg_index ON indexrelid = oid WHERE indrelid = 'public.t'::regclass ORDER BY 1`)
    ).map(({ name }) => name);
  /** Somebody else, in a transaction. */
  const hold = async (sql: string) => {
    const client = await rig.connect({ applicationName: 'somebody' });
    await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ`);
    await client.query(sql);
    return client;
  };
  return { adminUrl, rig, run, indexes, hold };
}

const light = 'SHARE UPDATE EXCLUSIVE' as const;
const create: Content = { statements: ['CREATE INDEX CONCURRENTLY t_both ON public.t (id, note)'], lockMode: light };
const drop: Content = { statements: ['DROP INDEX CONCURRENTLY public.t_note'], lockMode: light };

describe.each([14, 18] as const)('how CUSTOM sends its statements on PostgreSQL %i', (major) => {
  it('builds and drops indexes behind the start gate, and writes down beforehand what may be left', async () => {
    const { run, indexes, hold } = await setup(major);
    const built = await run(create);
    expect(built.steps[0]?.outcome).toMatchObject({ kind: 'done', result: { kind: 'CREATE INDEX', gate: {} } });
    expect(built.remnants).toMatchObject([{ outcome: 'absent' }]);
    const holder = await hold('SELECT * FROM public.t');
    const blocked = await run(drop, { gate: 'skip' });
    expect(blocked.steps[0]?.outcome).toMatchObject({ kind: 'failed', error: { code: 'blocked' } });
    expect(blocked.remnants).toEqual([]);
    expect(await indexes()).toEqual(['t_both', 't_note', 't_pkey']);
    await holder.query('ROLLBACK');
    expect((await run(drop)).steps[0]?.outcome).toMatchObject({ kind: 'done', result: { kind: 'DROP INDEX' } });
    expect(await indexes()).toEqual(['t_both', 't_pkey']);
    const again: Content = { statements: ['DROP INDEX CONCURRENTLY IF EXISTS public.t_note'], lockMode: light };
    expect((await run(again)).steps[0]?.outcome.kind).toBe('done');
    expect((await run(drop)).problems).toMatchObject([{ pointer: '/template', code: 'unknown_relation' }]);
  });

  it('leaves nothing of an index that could not be built', async () => {
    const { rig, run, indexes } = await setup(major);
    await rig.sql(`UPDATE public.t SET note = 'same'`);
    const unique: Content = {
      statements: ['CREATE UNIQUE INDEX CONCURRENTLY t_unique ON public.t (note)'],
      lockMode: light,
    };
    const { steps, remnants } = await run(unique);
    expect(steps[0]?.outcome).toMatchObject({ kind: 'failed' });
    expect(remnants).toMatchObject([{ outcome: 'swept' }]);
    expect(await indexes()).toEqual(['t_note', 't_pkey']);
  });

  it('waits for locks in short goes, ends nobody, and names who is in the way', async () => {
    const { run, hold } = await setup(major);
    const holder = await hold('SELECT * FROM public.t');
    const heavy: Content = { statements: ['REINDEX INDEX public.t_note'], lockMode: 'ACCESS EXCLUSIVE' };
    const full: Content = { statements: ['VACUUM (FULL) public.t'], lockMode: 'ACCESS EXCLUSIVE' };
    for (const content of [heavy, full]) {
      const { steps } = await run(content, { table_lock_seconds: 1 });
      expect(steps[0]?.outcome).toMatchObject({ kind: 'failed', error: { code: 'lock_timeout' } });
      expect(JSON.stringify(steps[0]?.outcome)).toContain('somebody');
    }
    await holder.query('SELECT 1');
    await holder.query('ROLLBACK');
    expect((await run(heavy)).steps[0]?.outcome.kind).toBe('done');
  });

  it('bounds the wait for rows, and every statement', async () => {
    const { run, hold } = await setup(major);
    const holder = await hold('UPDATE public.t SET note = note WHERE id = 1');
    const waits: Content = { statements: ['DELETE FROM public.t WHERE id = 1'], lockMode: 'ROW EXCLUSIVE' };
    await expect(run(waits, { table_lock_seconds: 1 })).rejects.toMatchObject({ code: 'lock_timeout' });
    await holder.query('ROLLBACK');
    const slow: Content = { statements: ['SELECT count(*) FROM pg_sleep(30)'], lockMode: 'ACCESS SHARE' };
    await expect(run(slow, { statement_timeout_seconds: 1 })).rejects.toMatchObject({
      code: 'statement_timeout',
      sqlState: '57014',
    });
  });

  it('takes a warning of VACUUM and ANALYZE for what it is', async () => {
    const { adminUrl, rig, run } = await setup(major);
    const role = await createRole(adminUrl);
    await rig.sql(`GRANT USAGE ON SCHEMA public TO ${role.name}; ALTER ROLE ${role.name} PASSWORD 'postgres'`);
    for (const statement of ['VACUUM public.t', 'ANALYZE public.t']) {
      const { steps } = await run({ statements: [statement], lockMode: light }, {}, { as: role.name });
      expect(steps[0]?.outcome).toMatchObject({ kind: 'failed', error: { code: 'skipped_by_server' } });
    }
    const refused: Content = { statements: ['DELETE FROM public.t WHERE id = 1'], lockMode: 'ROW EXCLUSIVE' };
    await expect(run(refused, {}, { as: role.name })).rejects.toMatchObject({ code: 'insufficient_privilege' });
    await rig.sql(`REVOKE USAGE ON SCHEMA public FROM ${role.name}`);
  });

  it('stops with its statement when it is told to', async () => {
    const { run } = await setup(major);
    const controller = new AbortController();
    const slow: Content = { statements: ['SELECT count(*) FROM pg_sleep(60)'], lockMode: 'ACCESS SHARE' };
    const beforeSteps = async (): Promise<void> => void setImmediate(() => controller.abort());
    await expect(run(slow, {}, { signal: controller.signal, beforeSteps })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });

  it('reads quotes as the parser did, whatever the server makes of them by default', async () => {
    const { rig, run } = await setup(major);
    const [{ name } = { name: '' }] = await rig.sql<{ name: string }>('SELECT current_database()::text AS name');
    await rig.sql(`ALTER DATABASE "${name}" SET standard_conforming_strings = off`);
    // With backslashes as escapes the first text would go on to the second, and what stands between them would be SQL.
    const tricky: Content = {
      statements: [`SELECT '\\' AS a, ', (SELECT count(*) FROM public.t) AS b, ' AS c`],
      lockMode: 'ACCESS SHARE',
    };
    const { steps } = await run(tricky);
    expect(steps[0]?.outcome).toMatchObject({
      result: { rows: [{ a: '\\', c: ', (SELECT count(*) FROM public.t) AS b, ' }] },
    });
  });
});
