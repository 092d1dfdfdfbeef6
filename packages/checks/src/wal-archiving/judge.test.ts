import { describe, expect, it } from 'vitest';
import { judgeArchiving } from './judge.ts';
import type { ArchivingFacts } from './read.ts';
import { checkType } from './schema.ts';
import { parseSegment, segmentsSince } from './wal-segment.ts';

const config = checkType.config.parse({});
const segmentBytes = 16 * 2 ** 20;

const healthy: ArchivingFacts = {
  serverVersion: 180_000,
  inRecovery: false,
  archiveMode: 'on',
  hasCommand: true,
  hasLibrary: false,
  archivedCount: 5,
  failedCount: 0,
  lastArchivedWal: '000000010000000000000005',
  lastArchivedAt: '2026-11-01 00:00:00+00',
  lastFailedWal: null,
  lastFailedAt: null,
  lastTryFailed: false,
  walPosition: 6 * segmentBytes + 1,
  segmentBytes,
  backlog: { readyFiles: 0, oldest: null, oldestSeconds: null },
  backlogGrant: 'GRANT pg_monitor TO us',
};
const judge = (facts: Partial<ArchivingFacts>) => judgeArchiving({ ...healthy, ...facts }, config);
const waiting = (readyFiles: number, oldestSeconds: number) => ({
  backlog: { readyFiles, oldest: '000000010000000000000006', oldestSeconds },
});
const failed = { lastTryFailed: true, failedCount: 3, lastFailedWal: '000000010000000000000006', lastFailedAt: 'now' };
const never = { archivedCount: 0, lastArchivedWal: null, lastArchivedAt: null };

describe('wal_archiving', () => {
  it('finds nothing on an idle server, however long ago it archived', () => {
    expect(judge({})).toMatchObject({
      checked: 1,
      findings: [],
      skipped: [],
      unknown: [],
      figures: { segments_since_archived: 0, ready_files: 0, archives_by: 'archive_command' },
    });
  });

  it.each([
    ['nothing is archived', { archiveMode: 'off' as const, hasCommand: false }, 'archive_mode_off'],
    ['it is a standby', { inRecovery: true }, 'standby_archives_only_with_always'],
  ])('has nothing to judge when %s', (_, facts, reason) => {
    expect(judge(facts)).toMatchObject({ checked: 0, findings: [], skipped: [{ object: 'wal_archiving', reason }] });
  });

  it.each([
    ['never succeeded', { ...failed, ...never, ...waiting(1, 2) }, 'failing', 'critical', /never succeeded: 3 tries/],
    [
      'fails for long',
      { ...failed, ...waiting(4, 601) },
      'failing',
      'critical',
      /4 WAL files wait, the oldest for 10 minutes/,
    ],
    ['has just failed', { ...failed, ...waiting(1, 2) }, 'failing', 'warning', /^Archiving fails since 2026/],
    ['fails, unseen', { ...failed, backlog: null }, 'failing', 'critical', /^Archiving fails/],
    ['has nothing to do it with', { hasCommand: false }, 'nothing_set', 'warning', /WAL piles up$/],
    [
      'has nothing, and WAL waits',
      { hasCommand: false, ...waiting(9, 9) },
      'nothing_set',
      'critical',
      /9 WAL files wait/,
    ],
    ['has one thing too many', { hasLibrary: true }, 'both_set', 'critical', /by neither/],
    ['has many files waiting', waiting(65, 5), 'backlog', 'warning', /65 WAL files wait/],
    ['has one file waiting for long', waiting(1, 601), 'backlog', 'warning', /1 WAL file waits/],
    [
      'is far behind, unseen',
      { backlog: null, walPosition: 71 * segmentBytes + 1 },
      'backlog',
      'warning',
      /65 WAL files were/,
    ],
    [
      'fails on a standby',
      { ...failed, ...waiting(1, 2), inRecovery: true, archiveMode: 'always' as const },
      'failing',
      'warning',
      /./,
    ],
  ])('finds an archiver that %s', (_, facts, problem, severity, summary) => {
    expect(judge(facts)).toMatchObject({
      checked: 1,
      unknown: [],
      findings: [
        {
          fingerprint: 'wal_archiving',
          severity,
          object: { kind: 'cluster', schema: null, name: 'wal_archiving' },
          summary: expect.stringMatching(summary),
          evidence: { problem },
          action: null,
        },
      ],
    });
  });

  it.each([
    ['a failure that was made good', { failedCount: 7, lastFailedWal: 'x', lastFailedAt: 'before' }],
    ['a failure of a file that is gone', failed],
    ['a library instead of a command', { hasCommand: false, hasLibrary: true }],
    ['a library before a command, which won before 16', { hasLibrary: true, serverVersion: 150_000 }],
    ['a few files that have just been finished', waiting(64, 600)],
    ['a server that never had anything to archive', never],
    [
      'a backup label archived last',
      { lastArchivedWal: '000000010000000000000005.00000028.backup', walPosition: 1e12 },
    ],
  ])('does not find %s', (_, facts) => {
    expect(judge(facts)).toMatchObject({ checked: 1, findings: [], unknown: [] });
  });

  it('does not know without a look at what waits', () => {
    expect(judge({ backlog: null })).toMatchObject({
      checked: 0,
      findings: [],
      unknown: [{ object: 'wal_archiving', reason: 'insufficient_privilege', grant: 'GRANT pg_monitor TO us' }],
    });
  });
});

describe('segments of WAL', () => {
  it.each([
    ['000000010000000000000005', 16, { timeline: 1, number: 5 }],
    ['0000000A00000002000000FF', 16, { timeline: 10, number: 767 }],
    ['000000010000000100000003', 1024, { timeline: 1, number: 7 }],
    ['00000002.history', 16, null],
    ['000000010000000000000005.00000028.backup', 16, null],
    ['000000010000000000000005.partial', 16, null],
    [null, 16, null],
  ])('%s of %d MB each is %j', (name, megabytes, segment) => {
    expect(parseSegment(name, megabytes * 2 ** 20)).toEqual(segment);
  });

  it.each([
    [5 * 16, 0],
    [6 * 16, 0],
    [7 * 16, 1],
    [7 * 16 + 1, 1],
    [8 * 16, 2],
    [9 * 16 + 8, 3],
  ])('at byte %d, 16 a segment, %d were finished since number 5', (position, count) => {
    expect(segmentsSince({ timeline: 1, number: 5 }, position, 16)).toBe(count);
  });
});
