import type { RegisteredBackup } from '@slacktide/application/ports';
import { expect, it } from 'vitest';
import { planVerification } from './plan.ts';
import { taskType } from './schema.ts';

const backup = (id: string, changes: Partial<RegisteredBackup> = {}): RegisteredBackup => {
  const at = new Date('2026-11-22T02:00:00.000Z');
  const rest = { location: `/backups/${id}`, checksum: 'a'.repeat(64), registeredAt: at, registeredBy: 'cron' };
  return { id, targetId: 'shop', label: id, kind: 'full', takenAt: at, sizeBytes: 1, ...rest, ...changes };
};

it('has a step for each demand, one for WAL, and one for each of the latest files that can be looked at', () => {
  const backups = [backup('c'), backup('b'), backup('w', { kind: 'wal' }), backup('s', { location: 's3://x' })];
  const facts = { database: 'shop', backups, fileRoots: ['/backups'] };
  const plan = (given: object) => planVerification(facts, taskType.config.parse(given));
  const keys = (given: object) => plan(given).steps.map(({ key }) => key);
  expect(keys({})).toEqual(['backups', 'wal', 'file of c (c)']);
  expect(keys({ kinds: { full: 26, wal: 1 } })).toEqual([
    'full backups',
    'wal backups',
    'wal',
    'file of c (c)',
    'file of w (w)',
  ]);
  expect(plan({ verify_files: 9 }).skipped).toEqual([{ object: 's (s)', reason: 'location_is_no_path' }]);
  expect(plan({ verify_checksums: true }).steps[2]?.data['checksum']).toBe('a'.repeat(64));
  expect(plan({}).steps[2]?.data['checksum']).toBeNull();
});
