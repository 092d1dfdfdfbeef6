import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Plan, Remnant } from '@slacktide/application/ports';
import { parse } from 'libpg-query';
import { afterAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { noContext } from '../../../../test/support/no-context.ts';
import { createDatabase, majors, startPostgres } from '../../../../test/support/postgres.ts';
import { mountSmall, scratchFolder, withoutRoot } from '../../../../test/support/scratch-folder.ts';
import { killedWhileCopying } from '../../test/killed-while-copying.ts';
import { openRig, type RigOptions, type TargetRig } from '../../test/target-rig.ts';
import { logRotation } from './index.ts';
import { newOwnNames, remnantOf } from './own-files.ts';

const day = 86_400;
const role = 'log "rotation" role';

/** One target serves all tests of files: nothing is done on it. */
let target: Promise<TargetRig> | undefined;
afterAll(async () => await (await target)?.[Symbol.asyncDispose]());

/** A target, and folders that the worker may touch; `old` and `make` put files into the first. */
async function setup() {
  target ??= createDatabase(inject('targetUrls')[18]).then(openRig);
  const rig = await target;
  const [logs, archive] = [join(scratchFolder(), 'logs'), scratchFolder()];
  mkdirSync(logs);
  const at = (name: string) => join(logs, name);
  const make = (name: string, ageDays: number, content: string | Uint8Array = name): void => {
    writeFileSync(at(name), content);
    const seconds = Date.now() / 1000 - ageDays * day;
    utimesSync(at(name), seconds, seconds);
  };
  make('now.log', 0);
  const context = { ...noContext, fileRoots: [logs, archive] };
  return {
    rig,
    logs,
    archive,
    at,
    old: (name: string, content?: string | Uint8Array) => make(name, 40, content),
    make,
    names: () => readdirSync(logs).sort(),
    run: (rule: object, options: RigOptions & { config?: object } = {}) =>
      rig.run(logRotation, { rules: [{ root: logs, ...rule }], min_free_mb: 0, ...options.config } as never, {
        context,
        ...options,
      }),
    plan: (rule: object) => rig.plan(logRotation, { rules: [{ root: logs, ...rule }] } as never, { context }),
  };
}

/** Outcomes by the file's name. */
function outcomes({ steps }: Awaited<ReturnType<Awaited<ReturnType<typeof setup>>['run']>>) {
  return Object.fromEntries(steps.map(({ step, outcome }) => [step.key.slice(step.key.lastIndexOf('/') + 1), outcome]));
}

describe('LOG_ROTATION of files', () => {
  it('deletes what is old, exactly what the plan showed, and counts it', async () => {
    const its = await setup();
    its.old('a.log', 'x'.repeat(1000));
    its.old('Ünïcödé 表 🙂.log', 'y');
    its.make('young.log', 3);
    const planned = await its.plan({ action: 'delete' });
    // A file that becomes due in between is none of the plan's.
    const ran = await its.run({ action: 'delete' }, { beforeSteps: async () => its.old('later.log') });
    expect(ran.plan?.steps.map(({ statements }) => statements)).toEqual(
      planned.plan?.steps.map(({ statements }) => statements),
    );
    expect(its.names()).toEqual(['later.log', 'now.log', 'young.log']);
    expect(outcomes(ran)['a.log']).toEqual({
      kind: 'done',
      result: { action: 'delete', size_before_bytes: 1000, size_after_bytes: 0, bytes_freed: 1000 },
    });
    expect(logRotation.summarise?.(ran.steps)).toEqual({
      files: { deleted: 2, compressed: 0, archived: 0 },
      bytes_freed: 1001,
    });
    expect(ran.effects).toMatchObject([{ action: 'delete_file', objectKind: 'file' }, { action: 'delete_file' }]);
    expect(ran.remnants).toMatchObject([{ kind: 'file', outcome: 'absent' }, { outcome: 'absent' }]);
    expect(await its.run({ action: 'delete' })).toMatchObject({ plan: { steps: [{ key: its.at('later.log') }] } });
  });

  it('compresses in place, verified, with mode and time kept, and leaves its own files alone the next time', async () => {
    const its = await setup();
    const content = Buffer.from('one line of a log\n'.repeat(50_000));
    its.old('big.log', content);
    const before = statSync(its.at('big.log'));
    const ran = await its.run({ action: 'compress' });
    expect(its.names()).toEqual(['big.log.zst', 'now.log']);
    const after = statSync(its.at('big.log.zst'));
    expect(zstdDecompressSync(readFileSync(its.at('big.log.zst'))).equals(content)).toBe(true);
    expect({ mode: after.mode, modified: Math.round(after.mtimeMs) }).toEqual({
      mode: before.mode,
      modified: Math.round(before.mtimeMs),
    });
    expect(outcomes(ran)['big.log']).toMatchObject({
      kind: 'done',
      result: {
        file: its.at('big.log.zst'),
        bytes_freed: content.length - after.size,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
    expect(logRotation.summarise?.(ran.steps)).toMatchObject({ files: { compressed: 1 } });
    expect((await its.run({ action: 'compress', pattern: '*' })).plan?.steps).toEqual([]);
  });

  it('moves to the archive, and overwrites nothing there', async () => {
    const its = await setup();
    its.old('a.log', 'ours');
    its.old('taken.log', 'ours');
    writeFileSync(join(its.archive, 'taken.log'), 'precious');
    const ran = await its.run({ action: 'archive', archive_to: its.archive });
    expect(outcomes(ran)).toMatchObject({
      'a.log': { kind: 'done', result: { bytes_freed: 4, file: join(its.archive, 'a.log') } },
      'taken.log': { kind: 'failed', error: { code: 'destination_exists' } },
    });
    expect(its.names()).toEqual(['now.log', 'taken.log']);
    expect(readFileSync(join(its.archive, 'a.log'), 'utf8')).toBe('ours');
    expect(readFileSync(join(its.archive, 'taken.log'), 'utf8')).toBe('precious');
    expect(readdirSync(its.archive).sort()).toEqual(['a.log', 'taken.log']);
  });

  it('touches no link, no second name, nothing that is no file, and nothing with a name that shows otherwise', async () => {
    const its = await setup();
    const precious = join(scratchFolder(), 'precious');
    writeFileSync(precious, 'precious');
    symlinkSync(precious, its.at('link.log'));
    linkSync(precious, its.at('second.log'));
    execFileSync('mkfifo', [its.at('pipe.log')]);
    its.old('new\nline.log');
    its.old('turned\u202egol.log');
    const before = its.names();
    for (const action of ['delete', 'compress'] as const) {
      const { plan, steps } = await its.run({ action, min_age_days: 0 });
      expect(steps).toEqual([]);
      expect(plan?.skipped.map(({ reason }) => reason).sort()).toEqual(
        ['hard_linked', 'newest: 1 files', 'not_a_regular_file', 'symbolic_link', 'unsafe_name', 'unsafe_name'].sort(),
      );
      for (const { object } of plan?.skipped ?? []) expect(object).not.toMatch(/[\n\u202e]/);
    }
    expect(its.names()).toEqual(before);
    expect(readFileSync(precious, 'utf8')).toBe('precious');
  });

  it('leaves alone a file that somebody has open for writing', async () => {
    const its = await setup();
    its.old('stderr.log');
    const descriptor = openSync(its.at('stderr.log'), 'a');
    const { plan } = await its.run({ action: 'delete' });
    expect(plan).toMatchObject({
      steps: [],
      skipped: [{ reason: 'newest: 1 files' }, { reason: 'open_for_writing: 1 files' }],
    });
    closeSync(descriptor);
    expect((await its.run({ action: 'delete' })).plan?.steps).toHaveLength(1);
  });

  it('refuses folders that are not allowed, are not there, or are reached through a link', async () => {
    const its = await setup();
    symlinkSync('/etc', join(its.archive, 'etc'));
    symlinkSync(its.logs, join(its.archive, 'logs'));
    const refused = async (...rules: object[]) => {
      const { problems } = await its.rig.plan(logRotation, { rules } as never, {
        context: { ...noContext, fileRoots: [its.logs, its.archive] },
      });
      return problems.map(({ pointer, code }) => [pointer, code]);
    };
    expect(
      await refused(
        { root: '/etc' },
        { root: `${its.logs}x` },
        { root: join(its.archive, 'etc') },
        { root: join(its.archive, 'logs') },
        { root: join(its.archive, 'none') },
        { root: its.logs, action: 'archive', archive_to: '/tmp' },
      ),
    ).toEqual([
      ['/rules/0/root', 'folder_not_allowed'],
      ['/rules/1/root', 'folder_not_allowed'],
      ['/rules/2/root', 'symbolic_link'],
      ['/rules/3/root', 'symbolic_link'],
      ['/rules/4/root', 'folder_missing'],
      ['/rules/5/archive_to', 'folder_not_allowed'],
    ]);
    const { problems } = await its.rig.plan(logRotation, { rules: [{ root: its.logs }] } as never);
    expect(problems).toMatchObject([
      { code: 'folder_not_allowed', detail: expect.stringContaining('FILE_ROOTS is not set') },
    ]);
  });

  it('does not call it success where the worker has no right', async () => {
    const its = await setup();
    its.old('a.log');
    execFileSync('chmod', ['755', join(its.logs, '..'), its.archive]);
    execFileSync('chmod', ['555', its.logs]);
    await withoutRoot(async () => {
      const ran = await its.run({ action: 'delete' });
      expect(outcomes(ran)).toMatchObject({ 'a.log': { kind: 'failed', error: { code: 'insufficient_privilege' } } });
      expect((await its.run({ action: 'compress' })).steps).toMatchObject([
        { outcome: { kind: 'failed', error: { code: 'insufficient_privilege' } } },
      ]);
    });
    execFileSync('chmod', ['711', its.logs]);
    await withoutRoot(async () => {
      if (process.geteuid?.() !== 65_534) return; // the owner may
      const { plan } = await its.plan({ action: 'delete' });
      expect(plan?.unknown).toMatchObject([{ reason: expect.stringMatching(/^insufficient_privilege/), grant: null }]);
    });
    execFileSync('chmod', ['755', its.logs]);
    expect(its.names()).toEqual(['a.log', 'now.log']);
  });
});

describe('LOG_ROTATION, when something else is there than the plan showed', () => {
  const swaps: [string, string, (path: string) => void][] = [
    ['gone', 'file_gone', (path) => rmSync(path)],
    ['another file', 'changed', (path) => swap(path, () => writeFileSync(path, 'a.log'))],
    ['a link to another file', 'symbolic_link', (path) => swap(path, () => symlinkSync('/etc/passwd', path))],
    ['a pipe', 'changed', (path) => swap(path, () => void execFileSync('mkfifo', [path]))],
    ['given a second name', 'changed', (path) => linkSync(path, `${path}.2`)],
    ['grown', 'changed', (path) => appendFileSync(path, 'more')],
    ['touched', 'changed', (path) => utimesSync(path, 1, 1)],
  ];

  it.each(swaps)('leaves it: %s', async (_, reason, change) => {
    for (const rule of [{ action: 'delete' }, { action: 'compress' }, { action: 'archive' }]) {
      const its = await setup();
      its.old('a.log');
      const to = rule.action === 'archive' ? { archive_to: its.archive } : {};
      let left: readonly unknown[] = [];
      const ran = await its.run(
        { ...rule, ...to },
        {
          beforeSteps: async () => {
            change(its.at('a.log'));
            left = inodes(its.logs);
          },
        },
      );
      expect(ran.steps).toMatchObject([{ outcome: { kind: 'skipped', reason } }]);
      expect(inodes(its.logs)).toEqual(left);
      expect(readdirSync(its.archive)).toEqual([]);
      expect(ran.effects).toEqual([]);
    }
  });

  it('is not led away by a folder that was swapped', async () => {
    const its = await setup();
    its.old('a.log');
    const elsewhere = join(scratchFolder(), 'precious');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'a.log'), 'precious');
    const away = `${its.logs}.away`;
    for (const put of [() => symlinkSync(elsewhere, its.logs), () => execFileSync('cp', ['-r', elsewhere, its.logs])]) {
      const ran = await its.run(
        { action: 'delete' },
        {
          beforeSteps: async () => {
            renameSync(its.logs, away);
            put();
          },
        },
      );
      expect(ran.steps).toMatchObject([
        {
          outcome: expect.toSatisfy(
            ({ kind, error, reason }) => kind !== 'done' && (error?.code ?? reason) !== undefined,
          ),
        },
      ]);
      expect(existsSync(join(elsewhere, 'a.log'))).toBe(true);
      expect(existsSync(join(away, 'a.log'))).toBe(true);
      rmSync(its.logs, { recursive: true });
      renameSync(away, its.logs);
    }
  });

  it('leaves a file that is swapped, or grows, while it is copied', async () => {
    for (const change of [
      (path: string) => swap(path, () => writeFileSync(path, 'precious')),
      (path: string) => appendFileSync(path, 'more'),
    ]) {
      const its = await setup();
      its.old('a.log', 'x'.repeat(100_000));
      let changed = false;
      const ran = await its.run(
        { action: 'compress' },
        {
          onProgress: () => {
            if (!changed) change(its.at('a.log'));
            changed = true;
          },
        },
      );
      expect(ran.steps).toMatchObject([{ outcome: { kind: 'skipped', reason: 'changed' } }]);
      expect(its.names().filter((name) => name.includes('zst') || name.startsWith('.'))).toEqual([]);
      expect(existsSync(its.at('a.log'))).toBe(true);
    }
  });
});

describe('LOG_ROTATION, cut short', () => {
  it('leaves the original and nothing else when the disk is full, or would be', async () => {
    const its = await setup();
    its.old('a.log', randomBytes(600_000));
    if (mountSmall(its.archive, 256)) {
      const full = await its.run({ action: 'archive', archive_to: its.archive }, { config: { min_free_mb: 0 } });
      expect(full.steps).toMatchObject([{ outcome: { kind: 'failed', error: { code: 'disk_full' } } }]);
      expect(readdirSync(its.archive)).toEqual([]);
    }
    const kept = await its.run({ action: 'compress' }, { config: { min_free_mb: 10 ** 9 } });
    expect(kept.steps).toMatchObject([
      { outcome: { kind: 'failed', error: { code: 'disk_full', message: expect.stringContaining('min_free_mb') } } },
    ]);
    expect(its.names()).toEqual(['a.log', 'now.log']);
    expect(kept.remnants).toMatchObject([{ outcome: 'absent' }]);
  });

  it('stops when told to, with the original as it was', async () => {
    const its = await setup();
    its.old('a.log', randomBytes(3_000_000));
    const stop = new AbortController();
    const ran = its.run(
      { action: 'compress' },
      { signal: stop.signal, onProgress: () => stop.abort(new Error('told to stop')) },
    );
    await expect(ran).rejects.toThrow();
    expect(its.names()).toEqual(['a.log', 'now.log']);
  });

  it('takes a copy that a dead worker finished for what it is, and one that is not the same for what it is not', async () => {
    const its = await setup();
    its.old('same.log', 'the same');
    writeFileSync(its.at('same.log.zst'), zstdCompressSync('the same'));
    its.old('other.log', 'mine');
    writeFileSync(its.at('other.log.zst'), zstdCompressSync('another'));
    its.old('torn.log', 'mine');
    writeFileSync(its.at('torn.log.zst'), zstdCompressSync('mine').subarray(0, 5));
    its.old('linked.log', 'mine');
    symlinkSync('/etc/passwd', its.at('linked.log.zst'));
    const ran = await its.run({ action: 'compress' });
    expect(outcomes(ran)).toMatchObject({
      'same.log': { kind: 'done', result: { was_there: true } },
      'other.log': { kind: 'failed', error: { code: 'destination_exists' } },
      'torn.log': { kind: 'failed', error: { code: 'destination_exists' } },
      'linked.log': { kind: 'failed', error: { code: 'destination_exists' } },
    });
    expect(its.names()).toContain('other.log');
    expect(its.names()).not.toContain('same.log');
    expect(zstdDecompressSync(readFileSync(its.at('other.log.zst'))).toString()).toBe('another');
  });

  /** What a worker that died has on record about a file. */
  function record(its: Awaited<ReturnType<typeof setup>>, name: string) {
    const { dev, ino, size, mtimeNs } = lstatSync(its.at(name), { bigint: true });
    const folder = statSync(its.logs);
    const names = newOwnNames();
    const { kind, proof } = remnantOf(
      {
        action: 'compress',
        root: its.logs,
        folder: { device: String(folder.dev), inode: String(folder.ino) },
        name,
        archiveTo: null,
        identity: { device: String(dev), inode: String(ino), sizeBytes: Number(size), modifiedNs: String(mtimeNs) },
      },
      names,
    );
    const remnant: Remnant = {
      id: 1,
      targetId: 't',
      taskId: 'x',
      taskType: 'LOG_ROTATION',
      fence: 1,
      recordedAt: new Date(),
      kind,
      proof,
    };
    const sweep = (fileRoots = [its.logs], changes: object = {}) =>
      logRotation.sweep?.(undefined as never, { ...remnant, proof: { ...proof, ...changes } }, { fileRoots });
    return { names, sweep };
  }

  it('killed while it compressed leaves the original, and a part that is known to be ours', async () => {
    const its = await setup();
    its.old('a.log', randomBytes(3_000_000));
    const { token } = await killedWhileCopying(its.logs, 'a.log');
    const part = `.slacktide-${token}.part`;
    expect(its.names()).toEqual([part, 'a.log', 'now.log'].sort());
    expect(statSync(its.at('a.log')).size).toBe(3_000_000);
    // Somebody else's file of nearly that name is not ours.
    writeFileSync(its.at('.slacktide-0123456789abcdef0123456789abcdef.part'), 'precious');
    const { sweep } = record(its, 'a.log');
    expect(await sweep([its.logs], { token })).toEqual({ outcome: 'swept', note: `removed ${its.logs}/${part}` });
    expect(its.names()).toContain('.slacktide-0123456789abcdef0123456789abcdef.part');
    expect(its.names()).not.toContain(part);
    expect(await sweep([its.logs], { token })).toMatchObject({ outcome: 'absent' });
  });

  it('killed after the original was moved aside: it is put back, unless something has its name', async () => {
    const its = await setup();
    its.old('a.log', 'original');
    const { names, sweep } = record(its, 'a.log');
    renameSync(its.at('a.log'), its.at(names.aside));
    expect(await sweep()).toEqual({ outcome: 'swept', note: `${its.at('a.log')} is back at its name` });
    expect(readFileSync(its.at('a.log'), 'utf8')).toBe('original');
    renameSync(its.at('a.log'), its.at(names.aside));
    writeFileSync(its.at('a.log'), 'newer');
    expect(await sweep()).toMatchObject({ outcome: 'kept', note: expect.stringContaining(names.aside) });
    expect(readFileSync(its.at('a.log'), 'utf8')).toBe('newer');
  });

  it('is left to a worker of the host that may touch the folder', async () => {
    const its = await setup();
    its.old('a.log');
    const { sweep } = record(its, 'a.log');
    await expect(sweep([])).rejects.toMatchObject({ name: 'TargetError' });
    await expect(sweep([its.logs], { host: 'elsewhere', folder_inode: '1' })).rejects.toMatchObject({
      name: 'TargetError',
    });
    expect(await sweep()).toMatchObject({ outcome: 'absent' });
    expect(await sweep([its.logs], { token: '../../etc' })).toMatchObject({ outcome: 'kept' });
  });
});

describe.each(majors)('LOG_ROTATION on PostgreSQL %i', (major) => {
  it('leaves the server’s log alone unless asked, and says so when there is no collector', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    expect((await rig.plan(logRotation, {})).plan).toEqual({ steps: [], checked: 0, skipped: [], unknown: [] });
    const { plan } = await rig.run(logRotation, { rotate_server_log: true });
    expect(plan?.skipped).toEqual([{ object: 'server_log', reason: 'logging_collector_off' }]);
  });
});

describe.each([14, 18] as const)('LOG_ROTATION with a logging collector, PostgreSQL %i', (major) => {
  it('rotates the server’s log, proves it, and never touches the current one', async () => {
    const logs = scratchFolder();
    execFileSync('chmod', ['777', logs]);
    const server = await startPostgres(major, {
      flags: [
        'logging_collector=on',
        `log_directory=${logs}`,
        'log_filename=pg-%H%M%S.log',
        'log_file_mode=0644',
        'log_statement=all',
      ],
    });
    onTestFinished(() => server.stop());
    await using rig = await openRig(await createDatabase(server.url));
    // The names are of seconds: another one has to have begun.
    const [started] = await rig.sql<{ at: number }>(
      'SELECT floor(extract(epoch FROM pg_postmaster_start_time()))::float8 AS at',
    );
    await expect.poll(() => Date.now() / 1000 - (started?.at ?? 0)).toBeGreaterThan(2);
    const current = async () => (await rig.sql<{ file: string }>('SELECT pg_current_logfile() AS file'))[0]?.file ?? '';
    const before = await current();
    const { plan, steps } = await rig.run(logRotation, { rotate_server_log: true });
    await everyStatementIsOneSelect(plan);
    expect(steps).toMatchObject([
      { outcome: { kind: 'done', result: { verified: true, before: [before.split('/').at(-1)] } } },
    ]);
    expect(await current()).not.toBe(before);
    expect(readFileSync(before, 'utf8')).toContain('pg_rotate_logfile');

    const context = { ...noContext, fileRoots: [logs] };
    for (const name of readdirSync(logs)) utimesSync(join(logs, name), 1, 1);
    writeFileSync(join(logs, 'newest.log'), '');
    const rule = { root: logs, pattern: '*.log', action: 'delete', min_age_days: 10 };
    const files = await rig.run(logRotation, { rules: [rule] } as never, { context });
    expect(files.steps).toMatchObject([{ step: { key: before }, outcome: { kind: 'done' } }]);
    expect(existsSync(await current())).toBe(true);

    const quoted = `"${role.replaceAll('"', '""')}"`;
    await rig.sql(`CREATE ROLE ${quoted} LOGIN PASSWORD 'postgres'`);
    const forbidden = await rig.run(logRotation, { rotate_server_log: true }, { as: role });
    const grant = forbidden.plan?.unknown[0]?.grant ?? '';
    expect(forbidden.steps).toMatchObject([
      { outcome: { kind: 'failed', error: { code: 'insufficient_privilege', detail: { grant } } } },
    ]);
    await rig.sql(grant);
    // It may rotate now, and not know what came of it.
    const blind = await rig.run(logRotation, { rotate_server_log: true }, { as: role });
    expect(blind.steps).toMatchObject([
      { outcome: { kind: 'done', result: { verified: false, why: 'insufficient_privilege' } } },
    ]);
  });
});

async function everyStatementIsOneSelect(plan: Plan | null): Promise<void> {
  for (const statement of plan?.steps.flatMap(({ statements }) => statements) ?? []) {
    const { stmts = [] } = await parse(statement);
    expect(stmts.map(({ stmt }) => Object.keys(stmt ?? {}))).toEqual([['SelectStmt']]);
  }
}

function swap(path: string, put: () => void): void {
  renameSync(path, `${path}.kept`);
  put();
}

/** Every name in a folder with the file it is of. */
function inodes(folder: string): readonly unknown[] {
  return readdirSync(folder)
    .sort()
    .map((name) => [name, lstatSync(join(folder, name)).ino]);
}
