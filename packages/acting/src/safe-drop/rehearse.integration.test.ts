import type { TargetSession } from '@slacktide/application/ports';
import { parse } from 'libpg-query';
import { describe, expect, it } from 'vitest';
import { openDropRig } from '../../test/drop-rig.ts';

const fixture = `
CREATE TABLE t (id int PRIMARY KEY, a int, b int, c text);
CREATE INDEX t_a ON t (a);
CREATE INDEX t_a_b ON t (a, b);
CREATE INDEX t_c ON t (c);
INSERT INTO t SELECT n, n % 500, n, 'c' || n FROM generate_series(1, 5000) AS n;
ANALYZE t`;

type Rig = Awaited<ReturnType<typeof openDropRig>>;

async function openRig(major: 14 | 18): Promise<Rig> {
  const rig = await openDropRig(major, fixture);
  await rig.forget();
  return rig;
}

/** What is true of the target whatever a rehearsal came to. */
async function expectNoTrace(rig: Rig, name = 't_a'): Promise<void> {
  const { rows } = await rig.target.admin.query(
    `SELECT (SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
        WHERE l.mode = 'AccessExclusiveLock') AS locks, (SELECT count(*) FROM pg_prepared_statements) AS prepared,
      (SELECT indisvalid FROM pg_index WHERE indexrelid = $1::regclass) AS valid`,
    [name],
  );
  expect(rows).toEqual([{ locks: '0', prepared: '0', valid: true }]);
}

describe.each([14, 18] as const)('the rehearsal of a drop on PostgreSQL %i', (major) => {
  it('lets an index go that another one does the work of, and says what it compared', async () => {
    const rig = await openRig(major);
    await rig.target.owner.query('SELECT b FROM t WHERE a = $1', [7]);
    await rig.target.owner.query('UPDATE t SET c = $1 WHERE a = $2', ['x', 7]);
    // What the server holds the session to when it takes the lock, when it plans, and afterwards.
    const bounds: Record<string, unknown> = {};
    const onSend = async (statement: string, session: TargetSession): Promise<void> => {
      if (!/^(DROP INDEX public|EXPLAIN|DEALLOCATE)/.test(statement)) return;
      const [row] = await session.query(
        `SELECT pg_catalog.current_setting('lock_timeout') AS lock, pg_catalog.current_setting('statement_timeout') AS statement,
          pg_catalog.current_setting('idle_in_transaction_session_timeout') AS idle`,
      );
      bounds[statement.slice(0, 7)] = row;
    };
    const { outcome, points, watches, sent } = await rig.drop('public.t_a', { onSend });
    expect(bounds).toEqual({
      'DROP IN': { lock: '200ms', statement: '1min', idle: '2s' },
      EXPLAIN: { lock: '200ms', statement: '250ms', idle: '2s' },
      DEALLOC: { lock: '3s', statement: '1min', idle: '10s' },
    });
    expect(outcome).toMatchObject({
      kind: 'done',
      result: { rehearsal: 'proven', compared: 2, left_out: [], watched_statements: 2 },
    });
    expect(points).toMatchObject([{ state: 'armed' }]);
    expect(watches).toMatchObject([{ state: 'open', object: 'public.t_a', table: 'public.t', lastsSeconds: 259_200 }]);
    expect(JSON.stringify(watches)).not.toContain('slacktide_rehearsal');
    expect(await rig.indexes()).toEqual(['t_a_b', 't_c', 't_pkey']);

    const begin = sent.indexOf('BEGIN');
    const end = sent.indexOf('ROLLBACK');
    expect(sent.slice(begin, begin + 5)).toEqual([
      'BEGIN',
      `SET LOCAL idle_in_transaction_session_timeout = '2000ms'`,
      `SET LOCAL lock_timeout = '200ms'`,
      'DROP INDEX public.t_a',
      `SET LOCAL statement_timeout = '250ms'`,
    ]);
    expect(sent.slice(begin + 5, end)).toEqual([
      expect.stringMatching(/^EXPLAIN \(VERBOSE, FORMAT JSON\) EXECUTE slacktide_rehearsal_\d\(NULL(, NULL)?\)$/),
      expect.stringMatching(/^EXPLAIN /),
    ]);
    expect(sent.slice(end + 1, end + 4)).toEqual(['DEALLOCATE ALL', 'RESET plan_cache_mode', 'RESET search_path']);
    for (const statement of sent) expect((await parse(statement)).stmts, statement).toHaveLength(1);
  });

  it('keeps an index whose table has a statement that is planned worse without it', async () => {
    const rig = await openRig(major);
    for (const a of [1, 2]) await rig.target.owner.query('SELECT c FROM t WHERE c = $1', [`secret ${a}`]);
    const { outcome, points, watches, sent } = await rig.drop('public.t_c');
    expect(outcome).toMatchObject({
      kind: 'skipped',
      reason: 'rehearsal_worse',
      result: { worse: [{ statement: 'SELECT c FROM t WHERE c = $1', nodes_after: ['Seq Scan'] }] },
    });
    expect(JSON.stringify(outcome)).not.toContain('secret');
    expect([points, watches]).toEqual([[], []]);
    expect(sent).not.toContain('DROP INDEX CONCURRENTLY public.t_c');
    await expectNoTrace(rig, 't_c');
  });

  it('takes everything back when it is cancelled in the middle', async () => {
    const rig = await openRig(major);
    await rig.target.owner.query('SELECT b FROM t WHERE a = $1', [7]);
    const stop = new AbortController();
    const onSend = async (statement: string): Promise<void> => {
      if (statement === `SET LOCAL statement_timeout = '250ms'`) stop.abort();
    };
    await expect(rig.drop('public.t_a', { signal: stop.signal, onSend })).rejects.toMatchObject({ code: 'cancelled' });
    await expectNoTrace(rig);
  });

  it('proves nothing without statements, unless nobody insists', async () => {
    const rig = await openRig(major);
    await rig.target.admin.query(`REVOKE pg_read_all_stats FROM ${rig.target.role}`);
    expect((await rig.drop('public.t_a')).outcome).toMatchObject({
      kind: 'skipped',
      reason: 'rehearsal_unproven',
      result: { reason: 'statements_of_others_hidden', grant: `GRANT pg_read_all_stats TO ${rig.target.role}` },
    });
    await rig.target.admin.query('DROP EXTENSION pg_stat_statements');
    expect((await rig.drop('public.t_a')).outcome).toMatchObject({
      reason: 'rehearsal_unproven',
      result: { reason: 'pg_stat_statements_not_installed', grant: 'CREATE EXTENSION pg_stat_statements' },
    });
    const { outcome, watches } = await rig.drop('public.t_a', { require_rehearsal: false });
    expect(outcome).toMatchObject({ kind: 'done', result: { rehearsal: 'unproven', watched_statements: 0 } });
    expect(watches).toEqual([]);
  });

  it('says which statements it could not plan, and is no proof when it could plan none', async () => {
    const rig = await openRig(major);
    const { owner } = rig.target;
    await owner.query(`SELECT b FROM t WHERE a = 1 AND now() > timestamp '2026-01-01'`);
    const refused = await rig.drop('public.t_a');
    expect(refused.outcome).toMatchObject({
      reason: 'rehearsal_unproven',
      result: { reason: 'no_statement_can_be_planned' },
    });
    await owner.query('SELECT b FROM t WHERE a = $1', [1]);
    const { outcome } = await rig.drop('public.t_a');
    expect(outcome).toMatchObject({
      kind: 'done',
      result: { compared: 1, left_out: [{ reason: expect.stringMatching(/^not_plannable \w{5}$/) }] },
    });
  });

  it('plans nothing that would run code of somebody with fewer rights', async () => {
    const rig = await openRig(major);
    const { owner, admin } = rig.target;
    // Would make its owner a superuser, if a superuser planned a call of it.
    await owner.query(`
      CREATE FUNCTION harmless(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN EXECUTE 'ALTER ROLE ${rig.target.role} SUPERUSER'; RETURN $1; EXCEPTION WHEN OTHERS THEN RETURN $1; END $$;
      CREATE VIEW v AS SELECT t.* FROM t WHERE a = harmless(7)`);
    await rig.forget();
    await owner.query('SELECT b FROM t WHERE a = harmless(7)');
    await owner.query('SELECT b FROM v');
    const asAdmin = await rig.drop('public.t_a', { asAdmin: true });
    expect(asAdmin.outcome).toMatchObject({
      reason: 'rehearsal_unproven',
      result: {
        left_out: expect.arrayContaining([
          expect.objectContaining({ statement: 'SELECT b FROM v', reason: 'may_run_foreign_code' }),
          expect.objectContaining({
            statement: 'SELECT b FROM t WHERE a = harmless($1)',
            reason: 'may_run_foreign_code',
          }),
        ]),
      },
    });
    const { rows } = await admin.query('SELECT rolsuper FROM pg_roles WHERE rolname = $1', [rig.target.role]);
    expect(rows).toEqual([{ rolsuper: false }]);
    // Its own code takes nobody anywhere.
    expect((await rig.drop('public.t_a')).outcome).toMatchObject({ kind: 'done', result: { compared: 2 } });
  });

  it('waits for the lock in short goes, and holds up nobody for it', async () => {
    const rig = await openRig(major);
    await rig.target.owner.query('SELECT b FROM t WHERE a = $1', [7]);
    const holder = await rig.target.connect();
    await holder.query('BEGIN; SELECT count(*) FROM t');
    let goes = 0;
    const onSend = async (statement: string): Promise<void> => {
      if (statement !== 'DROP INDEX public.t_a') return;
      goes += 1;
      if (goes === 3) await holder.query('COMMIT');
    };
    expect((await rig.drop('public.t_a', { onSend })).outcome.kind).toBe('done');
    expect(goes).toBe(3);
  });

  it('repairs an index that the drop itself failed to drop', async () => {
    const rig = await openRig(major);
    await rig.target.owner.query('SELECT b FROM t WHERE a = $1', [7]);
    const holder = await rig.target.connect();
    const onSend = async (statement: string): Promise<void> => {
      if (statement.startsWith('DROP INDEX CONCURRENTLY')) await holder.query('BEGIN; SELECT count(*) FROM t');
    };
    // The reader stays until the index is lost, and what follows waits for him.
    const onProgress = (phase: string): void => {
      if (phase === 'waiting for older transactions') void holder.query('COMMIT');
    };
    const patience = { gate: 'go', lock_timeout_seconds: 0.3 } as const;
    const { outcome, points, watches } = await rig.drop('public.t_a', { onSend, onProgress, ...patience });
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'lock_timeout', message: expect.stringContaining('rebuilt') },
    });
    expect(points).toMatchObject([{ state: 'void' }]);
    expect(watches).toMatchObject([{ state: 'void' }]);
    expect(await rig.indexes()).toEqual(['t_a', 't_a_b', 't_c', 't_pkey']);
  });
});
