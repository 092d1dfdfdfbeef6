import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { openRig } from '../../test/target-rig.ts';
import { securityScan } from './index.ts';
import { areas } from './plan.ts';

describe.each(majors)('SECURITY_SCAN on PostgreSQL %i', (major) => {
  it('tells every area with its counts, looks once, and prints no hash', async () => {
    const admin = inject('targetUrls')[major];
    const role = await createRole(admin, 'SUPERUSER');
    await using rig = await openRig(await createDatabase(admin));
    await rig.sql(`ALTER ROLE ${role.name} PASSWORD 'very secret'`);
    await rig.sql(`CREATE SCHEMA "we""ird; --"; GRANT CREATE ON SCHEMA "we""ird; --" TO PUBLIC`);
    const run = await rig.run(securityScan, {});
    expect(run.steps.map(({ step }) => step.key)).toEqual(areas);
    expect(run.reports).toHaveLength(1);
    expect(run.reports[0]?.findings).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ fingerprint: `role:${role.name}:superuser` }),
        expect.objectContaining({ fingerprint: 'schema:we"ird; --:public_create' }),
      ]),
    );
    const outcomes = Object.fromEntries(run.steps.map(({ step, outcome }) => [step.key, outcome]));
    expect(outcomes).toMatchObject({
      roles: {
        kind: 'done',
        result: { checked: expect.any(Number), report: { findings: run.reports[0]?.findings.length } },
      },
      schemas: { kind: 'done', result: { checked: expect.any(Number) } },
    });
    const told = securityScan.summarise?.(run.steps)['findings'] as Record<string, number>;
    for (const severity of ['info', 'warning', 'critical']) {
      expect(told[severity], severity).toBe(
        run.reports[0]?.findings.filter((finding) => finding.severity === severity).length,
      );
    }
    expect(JSON.stringify(run)).not.toMatch(/SCRAM-SHA-256\$|md5[0-9a-f]{32}|very secret/);
  });

  it('fails the areas in which something is as bad as asked, and is not well where it may not look', async () => {
    const admin = inject('targetUrls')[major];
    const { name } = await createRole(admin);
    await using rig = await openRig(await createDatabase(admin));
    await rig.sql(`ALTER ROLE ${name} PASSWORD 'postgres'`);
    await rig.sql('CREATE SCHEMA loose; GRANT CREATE ON SCHEMA loose TO PUBLIC');
    const run = await rig.run(securityScan, { fail_on: 'warning' }, { as: name });
    const outcomes = Object.fromEntries(run.steps.map(({ step, outcome }) => [step.key, outcome]));
    expect(outcomes['schemas']).toMatchObject({
      kind: 'failed',
      error: { code: 'findings', message: expect.stringMatching(/^schemas: \d+ warning/) },
    });
    expect(outcomes['hba_rules']).toMatchObject({ kind: 'skipped', reason: 'not_visible' });
    const ignored = await rig.run(
      securityScan,
      { fail_on: 'warning', ignore_schemas: ['loose', 'public'] },
      { as: name },
    );
    expect(ignored.steps.find(({ step }) => step.key === 'schemas')?.outcome.kind).toBe('done');
  });
});
