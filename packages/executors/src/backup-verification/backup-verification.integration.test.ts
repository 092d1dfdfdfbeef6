import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RegisteredBackup } from '@slacktide/application/ports';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase } from '../../../../test/support/postgres.ts';
import { openArchiving } from '../../test/archive.ts';
import { remembering } from '../../test/remembering.ts';
import { openRig, type RigRun } from '../../test/target-rig.ts';
import { backupVerification } from './index.ts';

const backup = (id: string, changes: Partial<RegisteredBackup> = {}): RegisteredBackup => ({
  id,
  targetId: 'shop',
  label: id,
  kind: 'full',
  takenAt: new Date(),
  sizeBytes: 5,
  location: 's3://bucket/shop',
  checksum: null,
  registeredAt: new Date(),
  registeredBy: 'cron',
  ...changes,
});
const contextOf = (backups: readonly RegisteredBackup[], fileRoots: readonly string[] = []) =>
  remembering({ fileRoots, memory: { backups: async () => backups } });
const outcomes = ({ steps }: RigRun) =>
  Object.fromEntries(
    steps.map(({ step, outcome }) => [
      step.key,
      outcome.kind === 'failed'
        ? outcome.error.code
        : outcome.kind === 'skipped'
          ? `skipped: ${outcome.reason}`
          : 'done',
    ]),
  );

describe.each([14, 18] as const)('BACKUP_VERIFICATION on PostgreSQL %i', (major) => {
  it('tells what is missing, old, small, or nowhere to be looked at', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    const run = (backups: readonly RegisteredBackup[], config: object = {}) =>
      rig.run(backupVerification, config, contextOf(backups));
    expect(outcomes(await run([]))).toEqual({ backups: 'backup_missing', wal: 'skipped: archive_mode_off' });
    expect(outcomes(await run([], { require_wal: true }))).toMatchObject({ wal: 'wal_not_archived' });
    const old = backup('old', { takenAt: new Date(Date.now() - 27 * 3_600_000) });
    expect(outcomes(await run([old]))).toMatchObject({ backups: 'backup_too_old' });
    expect(outcomes(await run([backup('tiny')], { min_size_bytes: 6 }))).toMatchObject({ backups: 'backup_too_small' });
    const well = await run([backup('nightly')]);
    expect(well.steps[0]?.outcome).toMatchObject({
      kind: 'done',
      result: { registered: 1, latest: { id: 'nightly' }, age_hours: 0 },
    });
    expect(well.plan?.skipped).toEqual([{ object: 'nightly (nightly)', reason: 'location_is_no_path' }]);
    const elsewhere = await run([backup('n', { location: '/etc/passwd' })]);
    expect(elsewhere.plan?.skipped).toEqual([{ object: 'n (n)', reason: 'not_under_a_file_root_of_the_worker' }]);
  });

  it('looks at files under the roots of the worker, and follows no link out of them', async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'backups-')));
    onTestFinished(() => rm(folder, { recursive: true }));
    const root = join(folder, 'root');
    await mkdir(join(root, 'folder'), { recursive: true });
    await writeFile(join(folder, 'outside'), 'hello');
    await writeFile(join(root, 'whole'), 'hello');
    await symlink(join(folder, 'outside'), join(root, 'link'));
    await symlink(folder, join(root, 'away'));
    const sha256 = createHash('sha256').update('hello').digest('hex');
    const cases: readonly [string, Partial<RegisteredBackup>, string][] = [
      ['whole', {}, 'done'],
      ['whole', { checksum: sha256 }, 'done'],
      ['whole', { checksum: '0'.repeat(64) }, 'checksum_mismatch'],
      ['whole', { sizeBytes: 6 }, 'size_mismatch'],
      ['gone', {}, 'backup_file_missing'],
      ['link', {}, 'backup_file_missing'],
      ['away/outside', {}, 'backup_file_missing'],
      ['whole/deeper', {}, 'backup_file_missing'],
      ['folder', {}, 'skipped: is_a_folder'],
    ];
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    const backups = cases.map(([name, changes], at) => backup(String(at), { location: join(root, name), ...changes }));
    const config = { verify_files: 20, verify_checksums: true };
    const run = await rig.run(backupVerification, config, contextOf(backups, [root]));
    const { backups: rule, wal, ...files } = outcomes(run);
    expect({ rule, wal }).toEqual({ rule: 'done', wal: 'skipped: archive_mode_off' });
    expect(Object.values(files)).toEqual(cases.map(([, , expected]) => expected));
    const unasked = await rig.run(backupVerification, { verify_files: 20 }, contextOf(backups, [root]));
    expect(Object.values(outcomes(unasked))).not.toContain('checksum_mismatch');
    const latest = await rig.run(backupVerification, {}, contextOf(backups, [root]));
    expect(latest.steps.map(({ step }) => step.key)).toEqual(['backups', 'wal', 'file of 0 (0)']);
  });

  it('wants WAL and base backups together', async () => {
    const { rig: opened, archiveBy } = await openArchiving(major);
    await using rig = opened;
    await rig.sql(`SELECT pg_logical_emit_message(false, 'test', ''), pg_switch_wal()`);
    const half = await rig.run(backupVerification, {}, contextOf([backup('full')]));
    expect(outcomes(half)).toEqual({ backups: 'done', wal: 'wal_archiving_unhealthy' });
    // The check keeps its own findings.
    expect(half.reports).toEqual([]);
    await archiveBy('true');
    const run = async (...backups: RegisteredBackup[]) =>
      outcomes(await rig.run(backupVerification, {}, contextOf(backups)));
    await expect.poll(() => run(backup('full'))).toEqual({ backups: 'done', wal: 'done' });
    expect(await run(backup('dump', { kind: 'logical' }))).toEqual({ backups: 'done', wal: 'backup_missing' });
  });
});
