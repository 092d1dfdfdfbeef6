import { parse } from 'libpg-query';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { openArchiving } from '../../test/archive.ts';
import { openRig } from '../../test/target-rig.ts';
import { walArchivingProbe } from './index.ts';

describe.each(majors)('WAL_ARCHIVING_PROBE on PostgreSQL %i', (major) => {
  it('plans two reads of functions, and nothing where there is no archive', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    expect((await rig.plan(walArchivingProbe, {})).plan).toEqual({
      steps: [],
      checked: 1,
      skipped: [{ object: 'wal_segment', reason: 'archive_mode_off' }],
      unknown: [],
    });
  });
});

describe.each([14, 18] as const)('an archive of PostgreSQL %i', (major) => {
  it('gets a segment, or is told not to have got it; a role without the right is told of it', async () => {
    const { rig: opened, url, archiveBy } = await openArchiving(major);
    await using rig = opened;
    await archiveBy('false');
    const refused = await rig.run(walArchivingProbe, { probe_timeout_seconds: 1 });
    expect(refused.steps).toMatchObject([
      {
        outcome: {
          kind: 'failed',
          error: { code: 'wal_not_archived', detail: { segment: expect.any(String), last_archived_wal: null } },
        },
      },
    ]);
    await archiveBy('true');
    // An idle server: nothing but the probe finishes a segment, the second time as the first.
    for (const _ of [1, 2]) {
      const run = await rig.run(walArchivingProbe, {});
      expect(run.steps).toMatchObject([
        { outcome: { kind: 'done', result: { segment: expect.stringMatching(/^[0-9A-F]{24}$/) } } },
      ]);
    }
    const { plan } = await rig.plan(walArchivingProbe, {});
    for (const statement of plan?.steps[0]?.statements ?? []) {
      const { stmts = [] } = await parse(statement);
      expect(stmts.map(({ stmt }) => Object.keys(stmt ?? {}))).toEqual([['SelectStmt']]);
    }
    const { name } = await createRole(url);
    await rig.sql(`ALTER ROLE ${name} PASSWORD 'postgres'`);
    const as = { as: name };
    const grant = `GRANT EXECUTE ON FUNCTION pg_catalog.pg_switch_wal() TO ${name}`;
    expect((await rig.plan(walArchivingProbe, {}, as)).plan?.unknown).toEqual([
      { object: 'wal_segment', reason: 'insufficient_privilege', grant },
    ]);
    await rig.sql(grant);
    expect((await rig.run(walArchivingProbe, {}, as)).steps).toMatchObject([{ outcome: { kind: 'done' } }]);
    await rig.sql(`REVOKE EXECUTE ON FUNCTION pg_catalog.pg_switch_wal() FROM ${name}`);
  });
});
