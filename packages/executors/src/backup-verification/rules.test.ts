import type { RegisteredBackup } from '@slacktide/application/ports';
import type { BackupKind } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { isUnder } from './file-place.ts';
import { judgeRule, rulesOf } from './rules.ts';
import { taskType } from './schema.ts';

const now = new Date('2026-11-22T12:00:00.000Z');
let number = 0;
const backup = (kind: BackupKind, hoursAgo: number, sizeBytes = 1000): RegisteredBackup => {
  number += 1;
  const takenAt = new Date(now.getTime() - hoursAgo * 3_600_000);
  const id = `b${number}`;
  return {
    id,
    targetId: 'shop',
    label: `${kind} ${hoursAgo}`,
    kind,
    takenAt,
    sizeBytes,
    location: 'x',
    checksum: null,
    registeredAt: takenAt,
    registeredBy: 'x',
  };
};
const judge = (backups: readonly RegisteredBackup[], given: object = {}): readonly (string | undefined)[] => {
  const config = taskType.config.parse(given);
  return rulesOf(config).map((rule) => {
    const judged = judgeRule(rule, backups, now, config);
    return judged.kind === 'bad' ? judged.error.code : undefined;
  });
};

describe('registered backups', () => {
  it('have to be there, and not of WAL alone', () => {
    expect(judge([])).toEqual(['backup_missing']);
    expect(judge([backup('wal', 1)])).toEqual(['backup_missing']);
    expect(judge([backup('full', 1)])).toEqual([undefined]);
    expect(judge([backup('full', 1)], { min_count: 2 })).toEqual(['backup_missing']);
  });

  it('have to be recent, each kind by its own cadence', () => {
    expect(judge([backup('full', 26)])).toEqual([undefined]);
    expect(judge([backup('full', 26.1)])).toEqual(['backup_too_old']);
    expect(judge([backup('logical', 1), backup('full', 100)])).toEqual([undefined]);
    const weekly = { kinds: { full: 170, incremental: 26 } };
    const [full, incremental] = [backup('full', 100), backup('incremental', 20)];
    expect(judge([incremental, full], weekly)).toEqual([undefined, undefined]);
    expect(judge([full], weekly)).toEqual([undefined, 'backup_missing']);
    expect(judge([backup('incremental', 27), full], weekly)).toEqual([undefined, 'backup_too_old']);
  });

  it('that build on none are none', () => {
    expect(judge([backup('incremental', 1)])).toEqual(['backup_missing']);
    expect(judge([backup('full', 1), backup('incremental', 2)], { kinds: { incremental: 26 } })).toEqual([
      'backup_missing',
    ]);
    expect(judge([backup('incremental', 1), backup('snapshot', 2)])).toEqual([undefined]);
  });

  it('must not be small, nor much smaller than those before', () => {
    expect(judge([backup('full', 1, 0)])).toEqual(['backup_too_small']);
    const sizes = (latest: number, ...earlier: readonly number[]) =>
      [latest, ...earlier].map((size, at) => backup('full', at + 1, size));
    expect(judge(sizes(499, 1000, 1000, 1000))).toEqual(['backup_too_small']);
    expect(judge(sizes(500, 1000, 1000, 1000))).toEqual([undefined]);
    expect(judge(sizes(1, 1000, 1000))).toEqual([undefined]);
    expect(judge(sizes(1, 1000, 1000, 1000), { max_shrink_percent: 100 })).toEqual([undefined]);
    // One that was too large before makes no difference.
    expect(judge(sizes(600, 1000, 1_000_000, 1000))).toEqual([undefined]);
    const small = backup('incremental', 1, 1);
    const earlier = [2, 3, 4].map((at) => backup('incremental', at, 1000));
    expect(judge([small, ...earlier, backup('full', 5)])).toEqual([undefined]);
  });
});

it.each([
  ['/backups/shop.tar', true],
  ['/backups/2026/shop.tar', true],
  ['/backups', false],
  ['/backups/../etc/passwd', false],
  ['/backups//shop.tar', false],
  ['/backups-of-others/shop.tar', false],
  ['backups/shop.tar', false],
  ['/backups/shop\0.tar', false],
])('a file at %j is under /backups: %s', (path, expected) => expect(isUnder(path, ['/backups'])).toBe(expected));
