import { parse } from 'libpg-query';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors, type PostgresMajor } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { findIn } from '../../test/find-in.ts';
import { remembering } from '../../test/remembering.ts';
import { openRig, type RigRun, type TargetRig } from '../../test/target-rig.ts';
import { schemaValidation } from './index.ts';

const table = `public."we""ird; --"`;
const open = async (major: PostgresMajor): Promise<TargetRig> => {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql(`CREATE TABLE parents (id int PRIMARY KEY); INSERT INTO parents VALUES (1);
    CREATE TABLE ${table} (id int, parent int); INSERT INTO ${table} VALUES (1, 1);
    ALTER TABLE ${table} ADD CONSTRAINT "po""sitive; --" CHECK (id > 0) NOT VALID;
    ALTER TABLE ${table} ADD CONSTRAINT parent_fk FOREIGN KEY (parent) REFERENCES parents NOT VALID;
    CREATE TABLE broken (id int); INSERT INTO broken VALUES (-1), (-2);
    ALTER TABLE broken ADD CONSTRAINT broken_positive CHECK (id > 0) NOT VALID;
    CREATE DOMAIN positive AS int; CREATE TABLE uses (p positive); ALTER DOMAIN positive ADD CONSTRAINT p CHECK (VALUE > 0) NOT VALID`);
  return rig;
};
const check = `public."we""ird; --"."po""sitive; --"`;
const foreignKey = `public."we""ird; --".parent_fk`;
const all = { validate_constraints: true };
const kinds = ({ steps }: RigRun) => Object.fromEntries(steps.map(({ step, outcome }) => [step.key, outcome.kind]));
const errors = ({ steps }: RigRun) =>
  steps.flatMap(({ step, outcome }) => (outcome.kind === 'failed' ? [[step.key, outcome.error.code]] : []));

describe.each(majors)('SCHEMA_VALIDATION on PostgreSQL %i', (major) => {
  it('tells of drift from the baseline until it is accepted', async () => {
    await using rig = await open(major);
    const { context, keep } = remembering();
    const first = await rig.run(schemaValidation, {}, { context });
    keep(first);
    expect(first.steps).toMatchObject([
      {
        step: { key: 'schema_drift', lockMode: null },
        outcome: { kind: 'done', result: { figures: { baseline: 'taken' } } },
      },
    ]);
    await rig.sql('ALTER TABLE broken ADD COLUMN more text');
    const drifted = await rig.run(schemaValidation, { fail_on: 'warning' }, { context });
    expect(drifted.reports[0]?.findings).toHaveLength(1);
    keep(await rig.run(schemaValidation, { accept: true }, { context }));
    expect((await rig.run(schemaValidation, {}, { context })).reports[0]?.findings).toEqual([]);
  });

  it('validates what no row breaks, and nothing else; the check finds it resolved', async () => {
    await using rig = await open(major);
    expect(await findIn(rig, 'invalid_constraint', 'sitive; --')).toBeDefined();
    const run = await rig.run(schemaValidation, all);
    expect(run.steps.map(({ step }) => step.key)).toEqual([
      'schema_drift',
      expect.any(String),
      expect.any(String),
      'invalid_constraint',
    ]);
    expect(kinds(run)).toEqual({
      schema_drift: 'done',
      [check]: 'done',
      [foreignKey]: 'done',
      invalid_constraint: 'done',
    });
    expect(run.plan?.skipped).toEqual(
      expect.arrayContaining([
        { object: 'public.broken.broken_positive', reason: expect.stringMatching(/^rows break it/) },
        { object: 'public.p', reason: 'domain' },
      ]),
    );
    expect(run.effects.map(({ action, object }) => [action, object])).toEqual(
      expect.arrayContaining([
        ['validate', check],
        ['validate', foreignKey],
      ]),
    );
    expect(run.reports.map((report) => [report.check, report.findings.length])).toEqual([
      ['schema_drift', 0],
      ['invalid_constraint', 2],
    ]);
    expect(await findIn(rig, 'invalid_constraint', 'sitive; --')).toBeUndefined();
    for (const { step } of run.steps.slice(1, 3)) {
      expect(step).toMatchObject({ lockMode: 'SHARE UPDATE EXCLUSIVE', data: { violators: 0 } });
      for (const statement of step.statements) {
        const { stmts = [] } = await parse(statement);
        expect(stmts).toMatchObject([
          {
            stmt: {
              AlterTableStmt: {
                relation: { schemaname: 'public', relname: 'we"ird; --' },
                cmds: [{ AlterTableCmd: { subtype: 'AT_ValidateConstraint' } }],
              },
            },
          },
        ]);
      }
    }
  });
});

describe.each([14, 18] as const)('VALIDATE on PostgreSQL %i', (major) => {
  it('is done to those that are named, and says why not', async () => {
    await using rig = await open(major);
    const constraints = [foreignKey, 'public.broken.broken_positive', 'public.parents.parents_pkey'];
    const run = await rig.run(schemaValidation, { ...all, constraints });
    expect(kinds(run)).toMatchObject({ [foreignKey]: 'done' });
    expect(run.plan?.skipped.map(({ object }) => object)).toEqual([
      'public.parents.parents_pkey',
      'public.broken.broken_positive',
    ]);
    const { problems } = await rig.plan(schemaValidation, { ...all, constraints: ['public.nothing.here', foreignKey] });
    expect(problems).toMatchObject([{ pointer: '/constraints/0', code: 'unknown_constraint' }]);
  });

  it('fails on rows that came since, without telling of them, and on a lock it does not get', async () => {
    await using rig = await open(major);
    const other = await rig.connect();
    const insert = async () => {
      await rig.sql(`ALTER TABLE ${table} DROP CONSTRAINT "po""sitive; --"; INSERT INTO ${table} VALUES (-7, 1)`);
      await rig.sql(`ALTER TABLE ${table} ADD CONSTRAINT other CHECK (id > 0) NOT VALID`);
      await rig.sql(`UPDATE ${table} SET parent = 1`).catch(() => undefined);
    };
    const gone = await rig.run(schemaValidation, { ...all, constraints: [check] }, { beforeSteps: insert });
    expect(kinds(gone)[check]).toBe('skipped');
    const uncounted = await rig.run(schemaValidation, { ...all, constraints: [`${table}.other`], count_limit: 0 });
    expect(errors(uncounted)).toEqual([[`${table}.other`, 'constraint_violated']]);
    expect(JSON.stringify(uncounted.steps.map(({ outcome }) => outcome))).not.toContain('-7');
    await other.query(`BEGIN; LOCK TABLE ${table} IN SHARE MODE`);
    const locked = await rig.run(schemaValidation, {
      ...all,
      constraints: [foreignKey],
      lock_timeout_seconds: 1,
      count_limit: 0,
    });
    expect(errors(locked)).toEqual([[foreignKey, 'lock_timeout']]);
    const skipped = await rig.run(schemaValidation, { ...all, lock_timeout_seconds: 1, count_limit: 1 });
    expect(skipped.steps.find(({ step }) => step.key === foreignKey)?.outcome).toMatchObject({
      kind: 'skipped',
      reason: 'locked',
    });
    await other.query('ROLLBACK');
  });

  it('is for the owner, within a budget, and stops under load', async () => {
    const { name } = await createRole(inject('targetUrls')[major]);
    await using rig = await open(major);
    await rig.sql(`ALTER ROLE ${name} PASSWORD 'postgres'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${name}`);
    const { plan } = await rig.plan(schemaValidation, all, { as: name });
    expect(plan?.unknown).toContainEqual({
      object: check,
      reason: 'insufficient_privilege',
      grant: `GRANT postgres TO ${name}`,
    });
    const refused = await rig.run(schemaValidation, { ...all, constraints: [check] }, { as: name });
    expect(errors(refused)).toEqual([[check, 'insufficient_privilege']]);
    await rig.sql(`VACUUM ${table}`);
    expect((await rig.plan(schemaValidation, { ...all, max_mb: 0 })).plan?.skipped).toContainEqual({
      object: check,
      reason: 'over_max_mb',
    });
    const loaded = await rig.run(schemaValidation, all, { breathe: () => 'overloaded' });
    expect(loaded.steps.find(({ step }) => step.key === check)?.outcome).toEqual({ kind: 'skipped', reason: 'load' });
  });
});
