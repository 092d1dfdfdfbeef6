import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../../../test/support/scratch-folder.ts';
import { tamper } from '../../../../test/support/tamper.ts';
import { upkeepRig } from '../../test/upkeep-rig.ts';
import { auditLogFlush } from './index.ts';

async function setup() {
  const folder = scratchFolder();
  const rig = await upkeepRig(auditLogFlush, [folder]);
  const { addJob, seal, sql } = rig;
  for (let n = 0; n < 3; n++) await addJob();
  await seal();
  const files = () => readdirSync(folder).sort();
  const editEvent = (seq: number) =>
    tamper(
      sql,
      (tx) => tx`UPDATE audit_events SET actor = 'nobody'
        WHERE id = (SELECT event_id FROM audit_seals WHERE stream = 'work' AND seq = ${seq})`,
    );
  return { ...rig, folder, files, editEvent };
}

/** What anybody can check with the file alone: reads it by the documented formula, without any code of ours. */
function check(path: string) {
  const [header, ...links] = zstdDecompressSync(readFileSync(path))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  let [seq, hash] = [header.after_seq, header.previous_hash];
  for (const { hash: told, ...content } of links) {
    hash = createHash('sha256').update(hash).update(canonical(content)).digest('hex');
    seq += 1;
    expect({ seq: content.seq, hash: told }).toEqual({ seq, hash });
  }
  expect(header.head).toMatchObject({ seq, hash });
  return { stream: header.stream, after: header.after_seq, until: seq, previous: header.previous_hash, hash };
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}

describe('AUDIT_LOG_FLUSH, with its target away', () => {
  it('verifies all streams', async () => {
    const { connection, plan, run } = await setup();
    expect(await plan()).toMatchObject({ kind: 'planned', plans: [{ checked: 4, steps: [{ key: 'verify' }] }] });
    expect(await run()).toMatchObject({
      state: 'SUCCEEDED',
      result: { done: 1, events: expect.any(Number), first_bad: null, exported_files: [] },
    });
    expect(await connection.health.listSignals()).toMatchObject([{ module: 'audit_chain', status: 'HEALTHY' }]);
  });

  it('exports each stream to a file that proves itself, and goes on where the last one ended', async () => {
    const { files, folder, run, seal } = await setup();
    const first = await run({ archive_to: folder });
    expect(first).toMatchObject({ state: 'SUCCEEDED', result: { exported_events: expect.any(Number) } });
    const names = files();
    expect(names).toHaveLength(2); // configuration and work: nothing else was done yet
    const ends = names.map((name) => check(join(folder, name)));
    await seal();
    const second = await run({ archive_to: folder });
    expect(second).toMatchObject({ state: 'SUCCEEDED' });
    for (const name of files().filter((each) => !names.includes(each))) {
      const { stream, after, previous } = check(join(folder, name));
      const end = ends.find((each) => each.stream === stream);
      if (end !== undefined) expect({ after, previous }).toEqual({ after: end.until, previous: end.hash });
    }
    expect(files().filter((name) => name.startsWith('audit-work-'))).toHaveLength(2);
    expect(files().every((name) => /^audit-\w+-\d{12}-\d{12}\.jsonl\.zst$/.test(name))).toBe(true);
  });

  it('exports so many events at a time', async () => {
    const { files, folder, run } = await setup();
    await run({ archive_to: folder, max_events: 2 });
    expect(files().filter((name) => name.startsWith('audit-work-'))).toEqual([
      'audit-work-000000000001-000000000002.jsonl.zst',
    ]);
    await run({ archive_to: folder, max_events: 2 });
    expect(check(join(folder, files().filter((name) => name.startsWith('audit-work-'))[1] ?? ''))).toMatchObject({
      after: 2,
    });
  });

  it('fails on a chain that is broken, says where, raises the signal and exports nothing of it', async () => {
    const { connection, editEvent, files, folder, run } = await setup();
    await editEvent(2);
    const task = await run({ archive_to: folder });
    expect(task).toMatchObject({
      state: 'FAILED',
      error: {
        code: 'audit_broken',
        message: expect.stringContaining('work: edited at link 2'),
        detail: { first_bad: [{ stream: 'work', kind: 'edited', seq: 2 }] },
      },
      result: { first_bad: { first_bad: [{ seq: 2 }] } },
    });
    expect(task.steps).toMatchObject([
      { state: 'FAILED' },
      { state: 'SUCCEEDED' },
      { key: 'export/work', state: 'FAILED', error: { code: 'audit_broken' } },
    ]);
    expect(files().filter((name) => !name.startsWith('audit-configuration-'))).toEqual([]);
    const [signal] = await connection.health.listSignals();
    expect(signal).toMatchObject({ module: 'audit_chain', status: 'UNHEALTHY' });
  });

  it('finds out by the files that a chain was cut and made anew, also when the ledger says otherwise', async () => {
    const { folder, run, sql } = await setup();
    await run({ archive_to: folder });
    await tamper(sql, (tx) => tx`DELETE FROM audit_seals WHERE stream = 'work' AND seq > 1`);
    await sql`UPDATE audit_exports SET until_seq = 1, hash = (SELECT hash FROM audit_seals WHERE stream = 'work' AND seq = 1) WHERE stream = 'work'`;
    expect(await run({ archive_to: folder })).toMatchObject({
      state: 'FAILED',
      error: { code: 'audit_broken', message: expect.stringContaining('work: cut') },
    });
  });

  it('cut short before the file has its name, makes the same file and leaves no part', async () => {
    const { connection, files, folder, run, sql, upkeep } = await setup();
    const dying = {
      ...upkeep,
      completeExport: () => Promise.reject(new Error('killed')),
    };
    const broken = await run({ archive_to: folder }, { upkeep: dying });
    expect(broken).toMatchObject({ state: 'FAILED' });
    const [left] = await upkeep.latestExports(folder);
    expect(left).toMatchObject({ isComplete: false });
    // The file of the export that was cut short is there, and a part of another try.
    const before = files();
    expect(before).toHaveLength(1);
    writeFileSync(join(folder, `.slacktide-${left?.id}-0123.part`), 'half');
    writeFileSync(join(folder, '.slacktide-not-ours.part'), 'precious');
    const content = readFileSync(join(folder, before[0] ?? ''));
    expect(await run({ archive_to: folder })).toMatchObject({ state: 'SUCCEEDED' });
    expect(readFileSync(join(folder, before[0] ?? '')).equals(content)).toBe(true);
    expect(files().filter((name) => name.startsWith('.'))).toEqual(['.slacktide-not-ours.part']);
    for (const name of files().filter((each) => each.startsWith('audit-'))) check(join(folder, name));
    expect(await sql`SELECT FROM audit_exports WHERE completed_at IS NULL`).toHaveLength(0);
    expect(connection).toBeDefined();
  });

  it('overwrites nothing', async () => {
    const { files, folder, plan, run } = await setup();
    const planned = await plan({ archive_to: folder });
    if (planned.kind !== 'planned') throw new Error(planned.kind);
    const paths = planned.plans.flatMap(({ steps }) =>
      steps.flatMap(({ object }) => (object.kind === 'file' ? [object.name] : [])),
    );
    const [taken = '', linked = ''] = paths;
    writeFileSync(taken, zstdCompressSync('precious'));
    symlinkSync(join(folder, 'beyond'), linked);
    const task = await run({ archive_to: folder });
    expect(task).toMatchObject({ state: 'FAILED', error: { code: 'destination_exists' } });
    expect(zstdDecompressSync(readFileSync(taken)).toString()).toBe('precious');
    expect(files()).not.toContain('beyond');
  });

  it('refuses a folder that is not allowed; for one that is away it fails, and verifies all the same', async () => {
    const { folder, run, seal } = await setup();
    expect(await run({ archive_to: '/etc' })).toMatchObject({
      state: 'FAILED',
      error: { code: 'config_does_not_fit_target', detail: [{ pointer: '/archive_to', code: 'folder_not_allowed' }] },
    });
    const inner = join(folder, 'inner');
    mkdirSync(inner);
    expect(await run({ archive_to: inner })).toMatchObject({ state: 'SUCCEEDED' });
    rmSync(inner, { recursive: true });
    const unknown = [{ object: inner, reason: expect.stringMatching(/^folder_missing/) }];
    expect(await run({ archive_to: inner })).toMatchObject({ state: 'SUCCEEDED', result: { done: 1, unknown } });
    await seal();
    expect(await run({ archive_to: inner })).toMatchObject({
      state: 'FAILED',
      error: { code: 'folder_missing' },
      result: { done: 1, unknown },
    });
  });

  it('is planned and run for a target that nobody can reach', async () => {
    const { ledger, run } = await setup();
    expect((await ledger.targets.get('shop'))?.connection).toContain('127.0.0.1:1/');
    const task = await run();
    expect(task).toMatchObject({ state: 'SUCCEEDED', attempt: 1 });
  });
});
