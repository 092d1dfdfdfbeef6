import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { majors, startPostgres } from '../../../test/support/postgres.ts';
import { startReplicaOf } from '../../../test/support/replica.ts';
import { name, olderSnapshot, openActRig, writesTable } from '../test/act-rig.ts';

const operations = ['create', 'reindex', 'drop'] as const;

describe.each(majors)('the start gate on PostgreSQL %i', (major) => {
  it.each(operations)('keeps %s from beginning while somebody is in the way, and says who', async (operation) => {
    const rig = await openActRig(major, { indexed: operation !== 'create' });
    const before = await rig.indexes();
    const somebody = await rig.somebody(writesTable);
    const { rows } = await somebody.query('SELECT pg_backend_pid() AS pid');
    const blockers = [
      {
        why: 'lock',
        pid: rows[0].pid,
        user: rig.target.role,
        application_name: 'somebody',
        backend_type: 'client backend',
        state: 'idle in transaction',
        transaction_age_seconds: expect.any(Number),
        detail: 'RowExclusiveLock',
        query: 'SELECT pg_backend_pid() AS pid',
        prepared_transaction: null,
      },
    ];
    for (const limits of [{ gate: 'skip' }, { gate: 'wait', gate_timeout_seconds: 0 }] as const) {
      const { end, records } = await rig.run(operation, limits);
      const result = { gate: limits.gate, waited_ms: expect.any(Number), blockers };
      expect(end).toEqual({ kind: 'skipped', reason: 'blocked', result });
      expect(records).toEqual([]);
    }
    expect(rig.sent).toEqual([]);
    expect(await rig.indexes()).toEqual(before);

    // It waits until they are gone.
    const phases: string[] = [];
    const onProgress = ({ phase }: { phase: string }): void => {
      if (phases.length === 0) void somebody.query('COMMIT');
      phases.push(phase);
    };
    const waited = await rig.run(operation, {}, { onProgress });
    expect(waited.end).toMatchObject({ kind: 'done', gate: { gate: 'wait', blockers: [] } });
    expect(waited.records).toMatchObject([{ proof: { operation }, outcome: 'absent' }]);
    expect(phases[0]).toBe('waiting for older transactions');
    expect(await rig.indexes()).toEqual(operation === 'drop' ? [] : [name]);
  });

  it.each(operations)('lets %s wait within the statement when told to go', async (operation) => {
    const rig = await openActRig(major, { indexed: operation !== 'create' });
    const somebody = await rig.somebody(writesTable);
    const onWait = () => void somebody.query('COMMIT');
    const { end, records } = await rig.run(operation, { gate: 'go' }, { onWait });
    expect(end).toMatchObject({ kind: 'done', gate: { gate: 'go', blockers: [{ application_name: 'somebody' }] } });
    expect(records).toMatchObject([{ outcome: 'absent' }]);
    expect(await rig.indexes()).toEqual(operation === 'drop' ? [] : [name]);
  });
});

describe.each([14, 18] as const)('the start gate on PostgreSQL %i, on a table that is never idle', (major) => {
  it.each(operations)('lets %s begin among short transactions', async (operation) => {
    const rig = await openActRig(major, { indexed: operation !== 'create' });
    const busy = await rig.keepBusy();
    const { end } = await rig.run(operation, { gate_timeout_seconds: 10 });
    expect(await busy.stop()).toBeGreaterThan(1);
    expect(end).toMatchObject({ kind: 'done', gate: { gate: 'wait', blockers: [] } });
    expect(await rig.indexes()).toEqual(operation === 'drop' ? [] : [name]);
  });

  it.each(operations)('keeps %s back for one that stays, and names that alone', async (operation) => {
    const rig = await openActRig(major, { indexed: operation !== 'create' });
    const busy = await rig.keepBusy();
    const old = await rig.somebody(writesTable);
    const { rows } = await old.query('SELECT pg_backend_pid() AS pid');
    const { end } = await rig.run(operation, { gate_timeout_seconds: 3 });
    await busy.stop();
    expect(end).toMatchObject({ kind: 'skipped', reason: 'blocked', result: { blockers: [{ pid: rows[0].pid }] } });
    expect(rig.sent).toEqual([]);
  });
});

describe('what the gate tells of those in the way', () => {
  it('is without the literals of their statements', async () => {
    const rig = await openActRig(18);
    await rig.somebody(writesTable);
    const { end } = await rig.run('drop', { gate: 'skip' });
    expect(end).toMatchObject({
      result: { blockers: [{ query: expect.stringMatching(/^BEGIN; INSERT INTO .* VALUES \(\D+\)$/) }] },
    });
    expect(JSON.stringify(end)).not.toContain('4242424242');
  });
});

describe.each([14, 18] as const)('the start gate on PostgreSQL %i, as a server waits', (major) => {
  it('names a prepared transaction, and is not held up by what a standby’s queries keep', async () => {
    const server = await startPostgres(major, { flags: ['max_prepared_transactions=2', 'max_wal_senders=4'] });
    const flags = ['hot_standby_feedback=on', 'wal_receiver_status_interval=1'];
    const replica = await startReplicaOf(server, { flags });
    onTestFinished(async () => {
      await replica.stop();
      await server.stop();
    });
    const rig = await openActRig(major, { adminUrl: server.url });
    const { admin, owner } = rig.target;
    await owner.query(`${writesTable}; PREPARE TRANSACTION 'half done'`);
    const { end } = await rig.run('reindex', { gate: 'skip' });
    const age = expect.toSatisfy((seconds) => seconds >= 0);
    expect(end).toMatchObject({
      reason: 'blocked',
      result: {
        blockers: [{ why: 'lock', pid: null, prepared_transaction: 'half done', transaction_age_seconds: age }],
      },
    });
    await owner.query(`ROLLBACK PREPARED 'half done'`);

    const standby = new pg.Client({ connectionString: replica.url });
    await standby.connect();
    await standby.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class');
    const held = () => admin.query('SELECT FROM pg_stat_replication WHERE backend_xmin IS NOT NULL');
    await expect.poll(async () => (await held()).rowCount).toBe(1);
    // PostgreSQL waits for sessions of this database alone: a sender of WAL belongs to none.
    for (const operation of ['reindex', 'drop', 'create'] as const) {
      expect((await rig.run(operation, { gate: 'skip', lock_timeout_seconds: 5 })).end).toMatchObject({ kind: 'done' });
    }
    await standby.end();
  });

  it('names a snapshot for what builds, and lets a drop pass it', async () => {
    const rig = await openActRig(major);
    await rig.somebody(olderSnapshot);
    expect((await rig.run('reindex', { gate: 'skip' })).end).toMatchObject({
      reason: 'blocked',
      result: { blockers: [{ why: 'snapshot', detail: expect.stringMatching(/^xmin \d+ age \d+$/) }] },
    });
    expect((await rig.run('drop', { gate: 'skip' })).end).toMatchObject({ kind: 'done' });
    expect((await rig.run('create', { gate: 'skip' })).end).toMatchObject({ kind: 'skipped', reason: 'blocked' });
    expect(await rig.indexes()).toEqual([]);
  });
});
