import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors, type PostgresMajor, startPostgres } from '../../../../test/support/postgres.ts';
import { startReplicaOf } from '../../../../test/support/replica.ts';
import { createRole } from '../../../../test/support/role.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { walArchiving } from './index.ts';

async function openServer(major: PostgresMajor, flags: string[]) {
  const server = await startPostgres(major, { flags });
  onTestFinished(() => server.stop());
  return { server, rig: await openCheckRig({ url: server.url, drop: async () => undefined }) };
}

/** Finishes a segment; switching an empty one does nothing. */
async function finishSegment(rig: CheckRig): Promise<void> {
  await rig.sql(`SELECT pg_logical_emit_message(false, 'test', ''), pg_switch_wal()`);
}

async function set(rig: CheckRig, setting: string, value: string): Promise<void> {
  await rig.sql(`ALTER SYSTEM SET ${setting} = '${value}'`);
  await rig.sql('SELECT pg_reload_conf()');
  await expect
    .poll(async () => (await rig.sql('SELECT current_setting($1) AS value', [setting]))[0])
    .toEqual({ value });
}

describe.each(majors)('wal_archiving on PostgreSQL %i', (major) => {
  it('has nothing to judge where nothing is archived', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    expect(await rig.run(walArchiving)).toMatchObject({
      checked: 0,
      skipped: [{ object: 'wal_archiving', reason: 'archive_mode_off' }],
    });
  });

  it('finds what never succeeds, what piles up in silence, and nothing once all is archived', async () => {
    // The command is a setting of the configuration file here, so that it can be changed.
    const opened = await openServer(major, ['archive_mode=on']);
    await using rig = opened.rig;
    await finishSegment(rig);
    const silent = await rig.run(walArchiving);
    expect(silent).toMatchObject({
      checked: 1,
      findings: [
        {
          severity: 'critical',
          evidence: { problem: 'nothing_set', ready_files: 1, failed_count: 0, archives_by: 'nothing' },
        },
      ],
    });

    await set(rig, 'archive_command', 'false');
    await expect
      .poll(async () => (await rig.run(walArchiving)).findings)
      .toMatchObject([
        {
          fingerprint: 'wal_archiving',
          severity: 'critical',
          summary: expect.stringMatching(/^Archiving has never succeeded: \d+ tries failed/),
          evidence: { problem: 'failing', last_archived_wal: null, ready_files: 1, segments_since_archived: null },
        },
      ]);

    const { name } = await createRole(rig.url);
    const monitor = await createRole(rig.url, 'IN ROLE pg_monitor');
    for (const role of [name, monitor.name]) await rig.sql(`ALTER ROLE ${role} PASSWORD 'postgres'`);
    const failing = { findings: [{ severity: 'critical', evidence: { problem: 'failing' } }], unknown: [] };
    expect(await rig.run(walArchiving, {}, { as: monitor.name })).toMatchObject(failing);
    expect(await rig.run(walArchiving, {}, { as: name })).toMatchObject(failing);

    await set(rig, 'archive_command', 'true');
    await rig.sql(`SELECT pg_switch_wal()`);
    await expect
      .poll(() => rig.run(walArchiving, { max_ready_files: 0, max_ready_seconds: 0 }))
      .toMatchObject({
        checked: 1,
        findings: [],
        unknown: [],
        figures: { ready_files: 0, segments_since_archived: 0, archives_by: 'archive_command' },
      });
    expect(await rig.run(walArchiving, {}, { as: monitor.name })).toMatchObject({
      checked: 1,
      findings: [],
      unknown: [],
    });
    expect(await rig.run(walArchiving, {}, { as: name })).toMatchObject({
      checked: 0,
      findings: [],
      unknown: [{ object: 'wal_archiving', reason: 'insufficient_privilege', grant: `GRANT pg_monitor TO ${name}` }],
    });

    // Waits, but has not failed: an archiver that hangs.
    const hold = join(opened.server.dataDir, 'hold');
    writeFileSync(hold, '');
    onTestFinished(() => rmSync(hold, { force: true }));
    await set(rig, 'archive_command', `while test -e ${hold}; do sleep 0.1; done`);
    for (let segment = 0; segment < 3; segment += 1) await finishSegment(rig);
    expect((await rig.run(walArchiving, { max_ready_files: 2 })).findings).toMatchObject([
      { severity: 'warning', evidence: { problem: 'backlog', ready_files: 3, segments_since_archived: 3 } },
    ]);
    expect(await rig.run(walArchiving)).toMatchObject({ checked: 1, findings: [] });
    // By WAL alone, where the directory may not be read.
    expect((await rig.run(walArchiving, { max_ready_files: 2 }, { as: name })).findings).toMatchObject([
      { evidence: { problem: 'backlog', ready_files: null, segments_since_archived: 3 } },
    ]);
  });
});

describe.each([15, 18] as const)('wal_archiving on PostgreSQL %i by a library', (major) => {
  it('is content with a library alone; from 16 on a command beside it stops archiving', async () => {
    const opened = await openServer(major, ['archive_mode=on', 'archive_library=basic_archive']);
    await using rig = opened.rig;
    expect(await rig.run(walArchiving)).toMatchObject({
      checked: 1,
      findings: [],
      figures: { archives_by: 'archive_library' },
    });
    await set(rig, 'archive_command', 'true');
    expect((await rig.run(walArchiving)).findings.map(({ evidence }) => evidence['problem'])).toEqual(
      major >= 16 ? ['both_set'] : [],
    );
  });
});

describe.each([14, 18] as const)('wal_archiving on a standby of PostgreSQL %i', (major) => {
  it('judges a standby only where it archives', async () => {
    const primary = await startPostgres(major, { flags: ['archive_mode=on', 'archive_command=true'] });
    onTestFinished(() => primary.stop());
    await using rig = await openCheckRig({ url: primary.url, drop: async () => undefined });
    const silent = await startReplicaOf(primary, { name: 'silent' });
    onTestFinished(() => silent.stop());
    const archiving = await startReplicaOf(primary, {
      name: 'archiving',
      flags: ['archive_mode=always', 'archive_command=false'],
    });
    onTestFinished(() => archiving.stop());
    await using onSilent = await openCheckRig({ url: silent.url, drop: async () => undefined });
    await using onArchiving = await openCheckRig({ url: archiving.url, drop: async () => undefined });
    expect(await onSilent.run(walArchiving)).toMatchObject({
      checked: 0,
      skipped: [{ reason: 'standby_archives_only_with_always' }],
    });
    await finishSegment(rig);
    await finishSegment(rig);
    await expect
      .poll(async () => (await onArchiving.run(walArchiving)).findings)
      .toMatchObject([{ severity: 'critical', evidence: { problem: 'failing', archive_mode: 'always' } }]);
  });
});
