import { describe, expect, it } from 'vitest';
import { judgeDiskSpace } from './judge.ts';
import type { DiskFacts } from './read.ts';
import { checkType, type DiskSpaceConfig } from './schema.ts';
import type { WalFacts } from './wal.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 10, 30);
const [mib, gib] = [2 ** 20, 2 ** 30];

function wal(facts: Partial<WalFacts> = {}): WalFacts {
  return {
    inRecovery: false,
    bytes: gib,
    waitingForArchive: 0,
    segmentBytes: 16 * mib,
    maxWalSizeBytes: gib,
    keepBytes: 0,
    slotLimitBytes: null,
    archives: false,
    archivingFails: false,
    slots: [],
    ...facts,
  };
}

/** 10 GiB: 8 of databases, 1 shared, 1 of WAL. */
function facts(others: Partial<DiskFacts> = {}): DiskFacts {
  return {
    database: 'shop',
    nowMs,
    databases: [{ name: 'shop', bytes: 7 * gib }],
    tablespaces: [
      { name: 'pg_default', bytes: 8 * gib, location: null },
      { name: 'pg_global', bytes: gib, location: null },
    ],
    logBytes: 0,
    temporaryBytes: gib,
    logIsInside: true,
    wal: wal(),
    sizesGrant: 'GRANT pg_read_all_stats TO us',
    directoriesGrant: 'GRANT pg_monitor TO us',
    ...others,
  };
}

function look(daysAgo: number, used: number) {
  const atMs = nowMs - daysAgo * dayMs;
  return { at: new Date(atMs), values: { at_ms: atMs, used, database: used, wal: 0 } };
}

/** Looks each day, oldest first; given newest first, as the ledger does. */
const looks = (...sizes: number[]) => sizes.map((gibs, index) => look(sizes.length - index, gibs * gib)).reverse();

const judge = (
  latest: DiskFacts,
  config: Partial<DiskSpaceConfig> = {},
  earlier: Parameters<typeof judgeDiskSpace>[1] = [],
) => judgeDiskSpace(latest, earlier, checkType.config.parse(config));

describe('disk_space', () => {
  it.each([
    [12_900, undefined],
    [12_800, 'warning'],
    [11_377, 'critical'],
    [5_000, 'critical'],
  ])('judges 10 GiB on a volume of %i MiB', (capacity_mb, severity) => {
    const { findings } = judge(facts(), { capacity_mb });
    expect(findings.map((finding) => finding.severity)).toEqual(severity === undefined ? [] : [severity]);
  });

  it('counts what is inside the data directory, and temporary files once', () => {
    const elsewhere = { name: 'archive', bytes: 100 * gib, location: '/archive' };
    const report = judge(facts({ tablespaces: [...facts().tablespaces, elsewhere], logBytes: gib }));
    expect(report.figures).toMatchObject({ used_bytes: 11 * gib, database_bytes: 7 * gib, temporary_bytes: gib });
    expect(judge(facts({ logBytes: gib, logIsInside: false })).figures).toMatchObject({ used_bytes: 10 * gib });
    expect(report.unknown.map(({ object }) => object)).toEqual(['free space', 'free space of tablespace archive']);
  });

  it('does not pretend to know free space', () => {
    expect(judge(facts())).toMatchObject({
      checked: 4,
      findings: [],
      unknown: [{ object: 'free space', reason: expect.stringContaining('capacity_mb'), grant: null }],
    });
    expect(judge(facts(), { capacity_mb: 100_000 })).toMatchObject({ checked: 5, unknown: [] });
  });

  it('says what a role may not see, and which GRANT shows it', () => {
    const hidden = facts({
      databases: [
        { name: 'shop', bytes: 1 },
        { name: 'other', bytes: null },
      ],
      tablespaces: [{ name: 'pg_global', bytes: null, location: null }],
      logBytes: null,
      wal: wal({ bytes: null, waitingForArchive: null }),
    });
    const report = judge(hidden, { capacity_mb: 1 });
    expect(report).toMatchObject({ checked: 1, findings: [], figures: { used_bytes: null, used_percent: null } });
    expect(report.unknown.map(({ object, grant }) => [object, grant])).toEqual([
      ['database other', 'GRANT pg_read_all_stats TO us'],
      ['tablespace pg_global', 'GRANT pg_read_all_stats TO us'],
      ['pg_wal', 'GRANT pg_monitor TO us'],
      ['log', 'GRANT pg_monitor TO us'],
      ['data directory', 'GRANT pg_monitor TO us'],
    ]);
  });
});

describe('disk_space: growth', () => {
  const week = [9.3, 9.4, 9.5, 9.6, 9.7, 9.8, 9.9];

  it('tells when the volume is full at the present growth', () => {
    const { findings, figures } = judge(
      facts(),
      { capacity_mb: 10.5 * 1024, critical_percent: 100, warning_percent: 100 },
      looks(...week),
    );
    expect(findings).toMatchObject([
      {
        severity: 'warning',
        evidence: { days_until_full: 5, used_percent: 95.2 },
        summary: expect.stringMatching(/full in 5 days$/),
      },
    ]);
    expect(Number(figures['growth_bytes_per_day']) / gib).toBeCloseTo(0.1);
  });

  it.each([
    ['too few looks', looks(9.5, 9.6, 9.7, 9.8, 9.9)],
    ['too short a time', looks(...week).map(({ values }, index) => look(index / 10, values.used))],
    ['looks before something large was removed', looks(...week.map((gibs) => gibs + 3), 9.8, 9.9)],
    ['sizes that do not grow', looks(10, 10, 10, 10, 10, 10, 10)],
  ])('makes no forecast from %s', (_, earlier) => {
    expect(
      judge(facts(), { capacity_mb: 10.1 * 1024, critical_percent: 100, warning_percent: 100 }, earlier).findings,
    ).toEqual([]);
  });

  it('makes no forecast further ahead than three times as long as it looked, and is not misled by one look', () => {
    const config = { capacity_mb: 100 * 1024, warning_days: 365 };
    expect(judge(facts(), config, looks(...week)).findings).toEqual([]);
    const spiked = judge(facts(), {}, looks(9.3, 9.4, 50, 9.6, 9.7, 9.8, 9.9)).figures;
    expect(spiked['growth_bytes_per_day']).toBeNull();
    const bumped = judge(facts(), {}, looks(9.3, 9.4, 10.5, 9.6, 9.7, 9.8, 9.9)).figures;
    expect(Number(bumped['growth_bytes_per_day']) / gib).toBeCloseTo(0.1);
  });
});

describe('disk_space: pg_wal', () => {
  const slot = (active: boolean) => ({ name: 'standby', active, walStatus: 'extended', retainedBytes: 3 * gib });
  const judgeWal = (walFacts: Partial<WalFacts>) => judge(facts({ wal: wal({ bytes: 3 * gib, ...walFacts }) }), {});

  it.each([
    ['an inactive slot', { slots: [slot(false)] }, ['inactive_slot'], 'warning'],
    ['a slot that lags', { slots: [slot(true)] }, ['lagging_slot'], 'warning'],
    ['a slot that keeps little', { slots: [{ ...slot(false), retainedBytes: gib }] }, [], 'warning'],
    ['an archiver that fails', { archives: true, archivingFails: true }, ['failing_archiver'], 'warning'],
    [
      'an archiver that is behind, or has no command',
      { archives: true, waitingForArchive: 65 },
      ['slow_archiver'],
      'warning',
    ],
    ['an archiver that failed before archiving was switched off', { archivingFails: true }, [], 'warning'],
    ['wal_keep_size, as somebody wanted', { keepBytes: 2 * gib }, ['wal_keep_size'], 'info'],
    ['more than wal_keep_size', { bytes: 5 * gib, keepBytes: 2 * gib }, ['wal_keep_size'], 'warning'],
    [
      'several',
      { slots: [slot(false)], archives: true, archivingFails: true },
      ['inactive_slot', 'failing_archiver'],
      'warning',
    ],
    ['ever so much', { bytes: 11 * gib, slots: [slot(false)] }, ['inactive_slot'], 'critical'],
  ])('names what keeps the WAL: %s', (_, walFacts, causes, severity) => {
    const [finding] = judgeWal(walFacts).findings;
    expect(finding).toMatchObject({ fingerprint: 'cluster:pg_wal', severity, action: null });
    expect(finding?.evidence['causes']).toEqual(causes.map((cause) => expect.objectContaining({ cause })));
  });

  it('is content with twice max_wal_size, whatever a slot keeps', () => {
    expect(judgeWal({ bytes: 2 * gib, slots: [slot(false)] }).findings).toEqual([]);
  });

  it('knows from slots what there is at least where pg_wal is hidden', () => {
    const { findings, unknown } = judgeWal({ bytes: null, slots: [slot(false)] });
    expect(findings).toMatchObject([
      {
        summary: 'pg_wal holds at least 3072 MiB, max_wal_size is 1024 MiB: the inactive slot standby keeps 3072 MiB',
        evidence: { is_lower_bound: true },
      },
    ]);
    expect(unknown.map(({ object }) => object)).toEqual(['free space']);
  });
});
