import { describe, expect, it } from 'vitest';
import type { LogFacts, SeenFile, SeenFolder } from './facts.ts';
import { planLogRotation } from './plan.ts';
import { taskType } from './schema.ts';

const nowMs = Date.parse('2026-11-22T03:00:00Z');
let inode = 0;

function file(name: string, ageDays: number, changes: Partial<SeenFile> & { sizeBytes?: number } = {}): SeenFile {
  const { sizeBytes = 1024, ...rest } = changes;
  inode += 1;
  const modifiedNs = String(BigInt(nowMs - ageDays * 86_400_000) * 1_000_000n);
  const identity = { device: '1', inode: String(inode), sizeBytes, modifiedNs };
  return { name, shownAs: name, kind: 'ordinary', identity, isWrittenTo: false, ...rest };
}

const folder = (...files: SeenFile[]): SeenFolder => ({ kind: 'seen', device: '1', inode: '2', files, isWhole: true });

const serverLog: LogFacts['serverLog'] = {
  isCollected: true,
  mayRotate: true,
  rotateGrant: 'GRANT rotate',
  current: [],
  currentGrant: 'GRANT current',
};

function plan(folders: readonly SeenFolder[], config: object, log: Partial<LogFacts['serverLog']> = {}) {
  return planLogRotation({ nowMs, folders, serverLog: { ...serverLog, ...log } }, taskType.config.parse(config));
}

const rule = (changes: object = {}) => ({ root: '/var/log/pg', action: 'delete', ...changes });

describe('planLogRotation', () => {
  it('does nothing unless asked', () => {
    expect(plan([], {})).toEqual({ steps: [], checked: 0, skipped: [], unknown: [] });
  });

  it('takes files of the age, the oldest first, and never the newest', () => {
    const made = plan([folder(file('b.log', 31), file('a.log', 40), file('young.log', 29.9), file('now.log', 0))], {
      rules: [rule()],
    });
    expect(made.steps).toMatchObject([
      {
        key: '/var/log/pg/a.log',
        object: { kind: 'file', oid: null, name: '/var/log/pg/a.log' },
        statements: ['unlink /var/log/pg/a.log'],
        sizeBytes: 1024,
        reversible: false,
        cost: { action: 'delete_file', tempDiskBytes: 0 },
      },
      { key: '/var/log/pg/b.log' },
    ]);
    expect(made.checked).toBe(4);
    expect(made.skipped).toEqual([
      { object: '/var/log/pg/*.log', reason: 'newest: 1 files' },
      { object: '/var/log/pg/*.log', reason: 'younger_than_min_age_days: 1 files' },
    ]);
  });

  it('keeps the newest however old they are', () => {
    const files = [1, 2, 3, 4].map((n) => file(`${n}.log`, 100 * n));
    const keys = (keep: number) =>
      plan([folder(...files)], { rules: [rule({ keep_newest: keep })] }).steps.map(({ key }) => key);
    expect(keys(1)).toEqual(['/var/log/pg/4.log', '/var/log/pg/3.log', '/var/log/pg/2.log']);
    expect(keys(3)).toEqual(['/var/log/pg/4.log']);
    expect(keys(9)).toEqual([]);
  });

  it('says by hand what compressing and archiving do', () => {
    const files = folder(file('it is.log', 50), file('now.log', 0));
    const compress = plan([files], { rules: [rule({ action: 'compress' })] });
    expect(compress.steps).toMatchObject([
      {
        statements: ['zstd "/var/log/pg/it is.log" -o "/var/log/pg/it is.log.zst"', 'unlink "/var/log/pg/it is.log"'],
        reversible: true,
        cost: { action: 'compress_file', tempDiskBytes: 1024 },
      },
    ]);
    const archive = plan([files], { rules: [rule({ action: 'archive', archive_to: '/srv/archive' })] });
    expect(archive.steps[0]?.statements[0]).toBe('cp --no-clobber "/var/log/pg/it is.log" "/srv/archive/it is.log"');
  });

  it.each([
    ['symbolic_link', file('a.log', 99, { kind: 'symbolic_link' })],
    ['hard_linked', file('a.log', 99, { kind: 'hard_linked' })],
    ['not_a_regular_file', file('a.log', 99, { kind: 'not_a_regular_file' })],
    ['unsafe_name', file('a\nb.log', 99)],
    ['unsafe_name', file('../a.log', 99)],
    ['unsafe_name', file('x', 99, { name: null, shownAs: '"a\\u00ff.log"', identity: null })],
    ['in_work', file('.slacktide-0123.part', 99)],
  ])('never touches what is %s', (reason, odd) => {
    const made = plan([folder(odd, file('now.log', 0))], { rules: [rule()] });
    expect(made.steps).toEqual([]);
    expect(made.skipped[0]).toEqual({ object: expect.not.stringContaining('\n'), reason });
  });

  it('leaves alone what the server, or anybody seen, writes to', () => {
    const files = [
      file('current.log', 99),
      file('stderr.log', 98, { isWrittenTo: true }),
      file('old.log', 97),
      file('now.log', 0),
    ];
    const made = plan([folder(...files)], { rules: [rule()] }, { current: ['current.log'] });
    expect(made.steps.map(({ key }) => key)).toEqual(['/var/log/pg/old.log']);
    expect(made.skipped.map(({ reason }) => reason)).toEqual([
      'in_use_by_the_server: 1 files',
      'newest: 1 files',
      'open_for_writing: 1 files',
    ]);
  });

  it('does not compress what is compressed, nor what would get too long a name', () => {
    const files = [
      file('a.log.zst', 99),
      file('a.gz', 99),
      file('é'.repeat(126), 99),
      file('a.log', 99),
      file('now', 0),
    ];
    const made = plan([folder(...files)], { rules: [rule({ action: 'compress', pattern: '*' })] });
    expect(made.steps.map(({ key }) => key)).toEqual(['/var/log/pg/a.log']);
    expect(made.skipped.map(({ reason }) => reason)).toContain('name_too_long');
    expect(made.skipped.filter(({ reason }) => reason === 'already_compressed')).toHaveLength(2);
  });

  it('applies the first of several rules to a file, and makes one step of it', () => {
    const files = folder(file('a.log', 99), file('b.log', 50), file('now.log', 0));
    const made = plan([files, files], {
      rules: [rule({ min_age_days: 90 }), rule({ action: 'compress', min_age_days: 30 })],
    });
    expect(made.steps).toMatchObject([
      { key: '/var/log/pg/a.log', data: { action: 'delete' } },
      { key: '/var/log/pg/b.log', data: { action: 'compress' } },
    ]);
    expect(made.skipped.map(({ reason }) => reason)).toContain('taken_by_an_earlier_rule: 1 files');
  });

  it('takes on so many files and so many bytes, and tells of the rest', () => {
    const mb = 1024 * 1024;
    const files = [5, 4, 3, 2].map((n) => file(`${n}.log`, 100 + n, { sizeBytes: n * mb }));
    const all = folder(...files, file('now.log', 0));
    const two = plan([all], { rules: [rule()], max_files: 2 });
    expect(two.steps.map(({ key }) => key)).toEqual(['/var/log/pg/5.log', '/var/log/pg/4.log']);
    expect(two.skipped).toContainEqual({ object: '/var/log/pg', reason: 'over_max_files: 2 files' });
    const small = plan([all], { rules: [rule()], max_mb: 6 });
    expect(small.steps.map(({ key }) => key)).toEqual(['/var/log/pg/5.log']);
    expect(small.skipped).toContainEqual({ object: '/var/log/pg', reason: 'over_max_mb: 3 files' });
  });

  it('does not judge a folder that it could not see, or not see whole', () => {
    const unseen = plan([{ kind: 'unseen', reason: 'insufficient_privilege: no' }], { rules: [rule()] });
    expect(unseen).toMatchObject({ checked: 1, unknown: [{ reason: 'insufficient_privilege: no', grant: null }] });
    const half = { ...folder(file('a.log', 99), file('now.log', 0)), isWhole: false } as SeenFolder;
    expect(plan([half], { rules: [rule()] })).toMatchObject({
      steps: [],
      unknown: [{ reason: expect.stringMatching(/^too_many_files/) }],
    });
  });

  it('says when it cannot be known which file the server writes to, once that matters', () => {
    const log = { current: null };
    const due = plan([folder(file('a.log', 99), file('now.log', 0))], { rules: [rule()] }, log);
    expect(due.unknown).toEqual([{ object: 'server_log', reason: 'insufficient_privilege', grant: 'GRANT current' }]);
    expect(plan([folder(file('now.log', 0))], { rules: [rule()] }, log).unknown).toEqual([]);
    expect(
      plan([folder(file('a.log', 99), file('b.log', 0))], { rules: [rule()] }, { ...log, isCollected: false }).unknown,
    ).toEqual([]);
  });

  it('rotates the server log before files, where a collector runs', () => {
    const made = plan([], { rotate_server_log: true });
    expect(made).toMatchObject({
      checked: 1,
      steps: [{ key: 'server_log', statements: ['SELECT pg_catalog.pg_rotate_logfile()'] }],
    });
    const off = plan([], { rotate_server_log: true }, { isCollected: false });
    expect(off).toMatchObject({ steps: [], skipped: [{ object: 'server_log', reason: 'logging_collector_off' }] });
    const forbidden = plan([], { rotate_server_log: true }, { mayRotate: false });
    expect(forbidden.steps).toHaveLength(1);
    expect(forbidden.unknown).toMatchObject([{ grant: 'GRANT rotate' }]);
  });
});

describe('the configuration', () => {
  it.each([
    { root: '/' },
    { root: 'var/log' },
    { root: '/var/log/' },
    { root: '/var/../etc' },
    { root: '/var/log/.' },
    { root: '/var//log' },
    { root: '/var/\0' },
    { root: '/var/log', pattern: '../*' },
    { root: '/var/log', pattern: 'a/b' },
    { root: '/var/log', pattern: 'a\nb' },
    { root: '/var/log', keep_newest: 0 },
    { root: '/var/log', action: 'archive' },
    { root: '/var/log', action: 'delete', archive_to: '/srv' },
    { root: '/var/log', action: 'archive', archive_to: '/var/log' },
    { root: '/var/log', action: 'truncate' },
  ])('refuses the rule %j', (wrong) => {
    expect(taskType.config.safeParse({ rules: [wrong] }).success).toBe(false);
  });
});
