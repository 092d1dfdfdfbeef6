import type { CheckReport, FoundFinding } from '@slacktide/domain';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { invalidIndex } from './index.ts';

describe.each(majors)('what invalid_index sees on PostgreSQL %i', (major) => {
  it('sees a unique create, a reindex and a drop of other sessions at work, whatever the role may see', async () => {
    await using fresh = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await fresh.sql(`
      CREATE TABLE public.w (n int, s text); CREATE TABLE public.other (n int);
      CREATE INDEX w_n ON public.w (n); CREATE INDEX w_s ON public.w (s); CREATE INDEX w_old ON public.w (n, s);
      UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'w_old'::regclass`);
    const roles = { monitor: `monitor_${major}_ii`, nobody: `nobody_${major}_ii` };
    await makeRoles(fresh, roles);
    const look = (as?: string) => fresh.run(invalidIndex, { confirm_seconds: 0 }, as ? { as } : {});
    const blocker = await fresh.connect();
    const builder = await fresh.connect();
    for (const [hold, statement, index] of [
      ['SELECT FROM public.other', 'CREATE UNIQUE INDEX CONCURRENTLY w_u ON public.w (n, s, (n + 1))', 'w_u'],
      ['SELECT FROM public.other', 'REINDEX TABLE CONCURRENTLY public.w', 'w_n_ccnew'],
      ['SELECT FROM public.w', 'DROP INDEX CONCURRENTLY public.w_s', 'w_s'],
    ] as const) {
      await blocker.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; ${hold}`);
      const working = builder.query(statement).catch((error: unknown) => error);
      await expect
        .poll(() =>
          fresh.sql('SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid AND indisready', [
            `public.${index}`,
          ]),
        )
        .toHaveLength(1);
      for (const as of [undefined, roles.monitor]) {
        const report = await look(as);
        // w_old is older than the work on its table, and nobody works on it.
        expect(keys(report)).toEqual(['public.w_old']);
        expect(report).toMatchObject({ unknown: [], figures: { in_progress: report.skipped.length } });
        expect(report.skipped).toContainEqual({ object: `public.${index}`, reason: 'in_progress' });
      }
      const grant = `GRANT pg_read_all_stats TO ${roles.nobody}`;
      const reason = expect.stringMatching(/cannot see which/);
      const blind = await look(roles.nobody);
      if (index === 'w_u') {
        expect(blind.unknown).toEqual(['public.w_old', 'public.w_u'].map((object) => ({ object, reason, grant })));
        expect(blind.findings).toEqual([]);
      } else {
        // REINDEX and DROP hold a lock on the index, which everybody sees.
        expect(blind.skipped).toContainEqual({ object: `public.${index}`, reason: 'in_progress' });
        expect(blind.unknown.map(({ object }) => object)).toEqual(index === 'w_s' ? [] : ['public.w_old']);
      }
      await blocker.query('ROLLBACK');
      await working;
    }
    expect(keys(await look(roles.nobody))).toEqual(['public.w_old']);
    await blocker.query('BEGIN; LOCK TABLE public.w IN ACCESS EXCLUSIVE MODE');
    expect(await look()).toMatchObject({
      findings: [],
      unknown: [{ object: 'public.w_old', reason: 'locked', grant: null }],
    });
    await blocker.query('ROLLBACK');
    // Who idles over a lock is not at work.
    await blocker.query(`BEGIN; COMMENT ON INDEX public.w_old IS 'x'`);
    expect(keys(await look())).toEqual(['public.w_old']);
    await dropRoles(fresh, roles);
  });

  it('counts no duplicates by a user’s function, nor where rows are hidden from it', async () => {
    await using fresh = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await fresh.sql(`
      CREATE TABLE public.d (n int, s text); INSERT INTO public.d VALUES (1, 'a'), (1, 'A'), (NULL, NULL), (NULL, NULL);
      CREATE FUNCTION public.low(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT pg_catalog.lower($1)'`);
    const failed = (sql: string) => expect(fresh.sql(sql)).rejects.toThrow('could not create unique index');
    await failed('CREATE UNIQUE INDEX CONCURRENTLY d_f ON public.d (public.low(s))');
    await failed(`CREATE UNIQUE INDEX CONCURRENTLY d_n ON public.d (n) ${major >= 15 ? 'NULLS NOT DISTINCT' : ''}`);
    const report = await fresh.run(invalidIndex, { confirm_seconds: 0 });
    expect(found(report, 'public.d_f').evidence).toMatchObject({
      duplicate_keys: null,
      duplicates_query:
        'SELECT count(*) AS duplicate_keys FROM (SELECT 1 FROM public.d WHERE public.low(s) IS NOT NULL GROUP BY public.low(s) HAVING count(*) > 1) AS d',
    });
    // NULLs that are equal, from 15 on, make one more.
    expect(found(report, 'public.d_n').evidence).toMatchObject({ duplicate_keys: major >= 15 ? 2 : 1 });
    const strict = await fresh.run(invalidIndex, { confirm_seconds: 0, count_duplicates_up_to_mb: 0 });
    expect(found(strict, 'public.d_n').evidence).toMatchObject({ duplicate_keys: null });
    await fresh.sql('ALTER TABLE public.d ENABLE ROW LEVEL SECURITY');
    const roles = { monitor: `monitor_${major}_rls`, nobody: `nobody_${major}_rls` };
    await makeRoles(fresh, roles);
    await fresh.sql(`GRANT SELECT ON public.d TO ${roles.monitor}`);
    for (const as of Object.values(roles)) {
      const seen = await fresh.run(invalidIndex, { confirm_seconds: 0 }, { as });
      expect(found(seen, 'public.d_n')).toMatchObject({ evidence: { class: 'failed_create', duplicate_keys: null } });
    }
    await dropRoles(fresh, roles);
  });
});

async function makeRoles(rig: CheckRig, roles: { monitor: string; nobody: string }): Promise<void> {
  await rig.sql(
    `CREATE ROLE ${roles.monitor} LOGIN PASSWORD 'postgres' IN ROLE pg_monitor; CREATE ROLE ${roles.nobody} LOGIN PASSWORD 'postgres'`,
  );
}

async function dropRoles(rig: CheckRig, roles: { monitor: string; nobody: string }): Promise<void> {
  await rig.sql(`DROP OWNED BY ${roles.monitor}, ${roles.nobody}; DROP ROLE ${roles.monitor}, ${roles.nobody}`);
}

function keys({ findings }: CheckReport): string[] {
  return findings.map(({ object }) => `${object.schema}.${object.name}`);
}

function found({ findings }: CheckReport, key: string): FoundFinding {
  const finding = findings.find(({ object }) => `${object.schema}.${object.name}` === key);
  if (finding === undefined) throw new Error(`expected a finding on ${key}`);
  return finding;
}
