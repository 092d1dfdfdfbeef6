import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { noContext } from '../../../../test/support/no-context.ts';
import { createDatabase, majors, startPostgres } from '../../../../test/support/postgres.ts';
import { scratchFolder } from '../../../../test/support/scratch-folder.ts';
import { everyStatementIsOneSelect } from '../../test/log-rotation-rig.ts';
import { openRig } from '../../test/target-rig.ts';
import { logRotation } from './index.ts';

const role = 'log "rotation" role';

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
