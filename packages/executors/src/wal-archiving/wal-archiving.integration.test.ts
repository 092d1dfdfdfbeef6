import { describe, expect, inject, it } from 'vitest';
import { createDatabase } from '../../../../test/support/postgres.ts';
import { openArchiving } from '../../test/archive.ts';
import { openRig } from '../../test/target-rig.ts';
import { walArchiving } from './index.ts';

describe.each([14, 18] as const)('WAL_ARCHIVING on PostgreSQL %i', (major) => {
  it('is skipped where nothing is archived, and says why', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    const run = await rig.run(walArchiving, {});
    expect(run.steps).toMatchObject([{ outcome: { kind: 'skipped', reason: 'archive_mode_off' } }]);
    expect(run.reports).toMatchObject([{ check: 'wal_archiving', findings: [] }]);
  });

  it('keeps what it finds, and fails where it is asked to', async () => {
    const { rig: opened, archiveBy } = await openArchiving(major);
    await using rig = opened;
    await archiveBy('false');
    expect((await rig.run(walArchiving, {})).steps).toMatchObject([
      { outcome: { kind: 'done', result: { findings: 0 } } },
    ]);
    await rig.sql(`SELECT pg_logical_emit_message(false, 'test', ''), pg_switch_wal()`);
    await expect
      .poll(async () => (await rig.sql('SELECT failed_count > 0 AS failed FROM pg_stat_archiver'))[0])
      .toEqual({ failed: true });
    const run = await rig.run(walArchiving, {});
    expect(run.steps).toMatchObject([{ outcome: { kind: 'done', result: { findings: 1 } } }]);
    expect(run.reports).toMatchObject([{ findings: [{ severity: 'critical' }] }]);
    expect((await rig.run(walArchiving, { fail_on: 'critical' })).steps).toMatchObject([
      {
        outcome: {
          kind: 'failed',
          error: { code: 'findings', message: expect.stringMatching(/^Archiving has never succeeded/) },
        },
      },
    ]);
    await archiveBy('true');
  });
});
