import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startPostgres } from '../../../test/support/postgres.ts';
import { openActRig, quoted, waitsFor } from '../test/act-rig.ts';

const operations = ['create', 'reindex', 'drop'] as const;

describe.each([14, 18] as const)('the watchdog on PostgreSQL %i', (major) => {
  it.each(operations)('has %s give way to those who wait for it too long, and ends nobody', async (operation) => {
    const rig = await openActRig(major, { indexed: operation !== 'create' });
    const before = await rig.indexes();
    const somebody = await rig.somebody(waitsFor[operation].sql);
    const waiter = await rig.somebody('SELECT 1');
    const { rows } = await waiter.query('SELECT pg_backend_pid() AS pid');
    let through: Promise<unknown> | undefined;
    const onWait = (): void => {
      through = waiter.query(`ALTER TABLE "we""ird; --"."it's" ALTER COLUMN n SET STATISTICS 200`);
    };
    // A reader keeps the rebuild of what the drop lost waiting at the gate.
    const onProgress = ({ phase }: { phase: string }): void => {
      if (phase === 'waiting for older transactions') void somebody.query('COMMIT');
    };
    const { end, records } = await rig.run(
      operation,
      { gate: 'go', max_blocking_seconds: 0.3 },
      { onWait, onProgress },
    );
    const waiting = [
      { pid: rows[0].pid, user: rig.target.role, application_name: 'somebody', waited_seconds: expect.any(Number) },
    ];
    expect(end).toMatchObject({
      kind: 'failed',
      error: {
        code: 'blocking_others',
        message: expect.stringContaining('more than 0.3 s'),
        detail: { waiting, left: [], dropped: operation === 'drop' ? [] : [expect.any(String)] },
      },
    });
    await through;
    // Whoever was in the way still is there, in its transaction or after its own COMMIT.
    expect((await somebody.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(records.every(({ outcome }) => outcome !== undefined)).toBe(true);
    expect(await rig.indexes()).toEqual(before);
  });

  it.each(['create', 'reindex'] as const)(
    'clears away what %s left once those it gave way to are done',
    async (operation) => {
      const rig = await openActRig(major, { indexed: operation !== 'create' });
      const before = await rig.indexes();
      await rig.somebody(waitsFor[operation].sql);
      const next = await rig.somebody('BEGIN');
      let through: Promise<unknown> | undefined;
      const onWait = (): void => {
        through = next.query(`LOCK TABLE "we""ird; --"."it's" IN SHARE UPDATE EXCLUSIVE MODE`);
      };
      const phases = new Set<string>();
      const onProgress = ({ phase }: { phase: string }): void => {
        if (phase === 'waiting for who is at work there' && !phases.has(phase)) void next.query('COMMIT');
        phases.add(phase);
      };
      const limits = { gate: 'go', max_blocking_seconds: 0.3 } as const;
      const { end, records } = await rig.run(operation, limits, { onWait, onProgress });
      await through;
      expect(phases).toContain('waiting for who is at work there');
      expect(end).toMatchObject({ kind: 'failed', error: { code: 'blocking_others', detail: { left: [] } } });
      expect(records).toMatchObject([{ outcome: 'swept' }]);
      expect(await rig.indexes()).toEqual(before);
    },
  );

  it('lets go on what makes others wait for less', async () => {
    const rig = await openActRig(major);
    const somebody = await rig.somebody(waitsFor.reindex.sql);
    const waiter = await rig.somebody('SELECT 1');
    let through: Promise<unknown> | undefined;
    const onWait = (): void => {
      through = waiter.query(`ALTER TABLE "we""ird; --"."it's" ALTER COLUMN n SET STATISTICS 200`);
      const waits = async () =>
        (await rig.target.admin.query(`SELECT FROM pg_locks WHERE NOT granted AND relation = $1`, [rig.tableOid]))
          .rowCount;
      void expect
        .poll(waits)
        .toBe(1)
        .then(() => somebody.query('COMMIT'));
    };
    const { end } = await rig.run('reindex', { gate: 'go', max_blocking_seconds: 600 }, { onWait });
    expect(end).toMatchObject({ kind: 'done' });
    await through;
  });
});

it('the bounds of each statement arrive on the wire, and end with it', async () => {
  const server = await startPostgres(18, { flags: ['log_statement=all', 'log_line_prefix=%a '] });
  onTestFinished(() => server.stop());
  const rig = await openActRig(18, { adminUrl: server.url, indexed: false });
  const show = () =>
    rig.act(async (session) => (await session.query<{ lock_timeout: string }>('SHOW lock_timeout'))[0]);
  expect(await show()).toEqual({ lock_timeout: '3s' });
  const bounds = { create: 17, reindex: 18, drop: 19 } as const;
  for (const operation of operations) {
    await rig.run(operation, { lock_timeout_seconds: bounds[operation] });
  }
  const log = await readFile(join(dirname(server.dataDir), 'postgres.log'), 'utf8');
  const acted = log
    .split('\n')
    .filter((line) => line.startsWith('slacktide/test/1 LOG'))
    .flatMap((line) => /(?:SET|RESET) lock_timeout.*|(?:CREATE|REINDEX|DROP) INDEX .*/.exec(line)?.[0] ?? []);
  expect(acted).toEqual([
    `SET lock_timeout = '17s'`,
    expect.stringMatching(/^CREATE INDEX CONCURRENTLY/),
    'RESET lock_timeout',
    `SET lock_timeout = '18s'`,
    `REINDEX INDEX CONCURRENTLY ${quoted}`,
    'RESET lock_timeout',
    `SET lock_timeout = '19s'`,
    `DROP INDEX CONCURRENTLY ${quoted}`,
    'RESET lock_timeout',
  ]);
});
