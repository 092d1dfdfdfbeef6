import { describe, expect, it } from 'vitest';
import {
  type ActRig,
  expectOwnStatements,
  type KeptRecord,
  name,
  olderSnapshot,
  openActRig,
  quoted,
  readsTable,
  waitsFor,
} from '../test/act-rig.ts';
import { inspectConcurrent } from './index.ts';

const operations = ['create', 'reindex', 'drop'] as const;
type Operation = (typeof operations)[number];

/** What the statement leaves in the phase in which it is cut short. */
const leaves: Readonly<Record<Operation, string[]>> = {
  create: [`${name} invalid`],
  reindex: [name, `${name}_ccnew invalid`],
  drop: [`${name} invalid`],
};

/** Cuts a statement short by ending its session; the record that stays open. */
async function loseSession(rig: ActRig, operation: Operation): Promise<KeptRecord> {
  const somebody = await rig.somebody(waitsFor[operation].sql);
  const records: KeptRecord[] = [];
  const onWait = (pid: number) => void rig.terminate(pid);
  await expect(rig.run(operation, { gate: 'go' }, { onWait }, records)).rejects.toMatchObject({
    code: 'session_lost',
    message: expect.stringContaining('i""x; DROP TABLE x'),
  });
  await somebody.query('COMMIT');
  const [record] = records;
  if (record === undefined) throw new Error('nothing was recorded');
  expect(record.outcome).toBeUndefined();
  return record;
}

function inspect(rig: ActRig, proof: KeptRecord['proof']) {
  const work = { steps: [{ key: quoted, state: 'RUNNING' }], remnants: [{ proof }] } as never;
  return rig.act((_, observer) => inspectConcurrent(observer, work));
}

describe.each([14, 18] as const)('a statement cut short on PostgreSQL %i', (major) => {
  it.each(operations)('%s leaves nothing when its lock is not to be had in time', async (operation) => {
    const rig = await openActRig(major, { indexed: operation !== 'create' });
    const before = await rig.indexes();
    const somebody = await rig.somebody(waitsFor[operation].sql);
    // A reader keeps the rebuild of what the drop lost waiting at the gate; nobody keeps the others from clearing away.
    const onProgress = ({ phase }: { phase: string }): void => {
      if (phase === 'waiting for older transactions') void somebody.query('COMMIT');
    };
    const { end, records } = await rig.run(operation, { gate: 'go', lock_timeout_seconds: 0.3 }, { onProgress });
    const [dropped, rebuilt] = {
      create: [[quoted], []],
      reindex: [[expect.stringContaining('_ccnew')], []],
      drop: [[], [quoted]],
    }[operation];
    expect(end).toMatchObject({
      kind: 'failed',
      error: { code: 'lock_timeout', detail: { sql_state: '55P03', dropped, rebuilt, left: [] } },
    });
    expect(records[0]).toMatchObject({ proof: { operation }, outcome: 'swept' });
    expect(records.every(({ outcome }) => outcome !== undefined)).toBe(true);
    expect(await rig.indexes()).toEqual(before);
    await expectOwnStatements(rig.sent);
  });

  it.each(operations)('%s leaves nothing, or its record, when it is cancelled', async (operation) => {
    const rig = await openActRig(major, { indexed: operation !== 'create' });
    const before = await rig.indexes();
    const somebody = await rig.somebody(waitsFor[operation].sql);
    const stop = new AbortController();
    const records: KeptRecord[] = [];
    const cancelled = rig.run(operation, { gate: 'go' }, { signal: stop.signal, onWait: () => stop.abort() }, records);
    if (operation !== 'drop') {
      await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
      expect(records).toMatchObject([{ outcome: 'swept' }]);
    } else {
      // A rebuild may take long: work that was told to stop leaves it to the next task.
      const reason = expect.stringContaining('the next task on the target makes it valid again');
      expect((await cancelled).end).toMatchObject({
        kind: 'failed',
        error: { code: 'cancelled', detail: { dropped: [], rebuilt: [], left: [{ index: quoted, reason }] } },
      });
      expect(records).toHaveLength(1);
      expect(records[0]?.outcome).toBeUndefined();
      expect(await rig.indexes()).toEqual(leaves.drop);
      // Whom the rebuild would wait for is not waited for.
      await expect(rig.sweep(records[0]?.proof ?? {})).rejects.toMatchObject({
        code: 'lock_timeout',
        message: expect.stringMatching(/could not be made valid again; in the way: pid \d+ of role_\w+ \(somebody\)/),
      });
      await somebody.query('COMMIT');
      expect(await rig.sweep(records[0]?.proof ?? {})).toEqual({
        outcome: 'swept',
        note: `made valid again ${quoted}`,
      });
    }
    expect(await rig.indexes()).toEqual(before);
    await expectOwnStatements(rig.sent);
  });

  it.each(operations)(
    '%s leaves its record when the session is lost, by which the next task clears up',
    async (operation) => {
      const rig = await openActRig(major, { indexed: operation !== 'create' });
      const before = await rig.indexes();
      const { proof } = await loseSession(rig, operation);
      expect(await rig.indexes()).toEqual(leaves[operation]);
      expect(await inspect(rig, proof)).toEqual({ kind: 'not_done' });
      expect(await rig.sweep(proof)).toMatchObject({
        outcome: 'swept',
        note: expect.stringContaining('x; DROP TABLE x'),
      });
      expect(await rig.indexes()).toEqual(before);
      // Found once more, nothing is left, and a drop that was taken back is no drop that was done.
      expect(await rig.sweep(proof)).toMatchObject({ outcome: 'absent' });
      expect(await inspect(rig, proof)).toEqual({ kind: 'not_done' });
      await expectOwnStatements(rig.sent);
    },
  );
});

describe.each([14, 18] as const)('on PostgreSQL %i', (major) => {
  it('a drop past the point of no return is finished, in its own session or by the next task', async () => {
    const rig = await openActRig(major);
    // Ends the drop in its second wait, when the index is dead: for one who has read the table since it is invalid.
    const inSecondWait = (end: (pid: number) => Promise<unknown>) => {
      const started = (async () => {
        const first = await rig.somebody(readsTable);
        return { first, second: await rig.somebody('BEGIN') };
      })();
      let amid: Promise<unknown> | undefined;
      const onWait = (pid: number): void => {
        amid ??= (async () => {
          const { first, second } = await started;
          await second.query(readsTable.replace('BEGIN; ', ''));
          await first.query('COMMIT');
          await expect.poll(rig.indexes).toEqual([`${name} dead`]);
          await end(pid);
          await second.query('COMMIT');
        })();
      };
      return { ready: started, onWait, settled: () => amid };
    };
    const lost = inSecondWait((pid) => rig.terminate(pid));
    await lost.ready;
    const records: KeptRecord[] = [];
    await expect(rig.run('drop', { gate: 'go' }, { onWait: lost.onWait }, records)).rejects.toMatchObject({
      code: 'session_lost',
    });
    await lost.settled();
    expect(await rig.indexes()).toEqual([`${name} dead`]);
    expect(await inspect(rig, records[0]?.proof ?? {})).toEqual({ kind: 'not_done' });
    expect(await rig.sweep(records[0]?.proof ?? {})).toEqual({ outcome: 'swept', note: `dropped ${quoted}` });
    expect(await rig.indexes()).toEqual([]);
    expect(await inspect(rig, records[0]?.proof ?? {})).toMatchObject({ kind: 'done' });

    await rig.run('create');
    const stop = new AbortController();
    const before = rig.sent.length;
    const drops = () => rig.sent.slice(before).filter((statement) => statement.startsWith('DROP')).length;
    const cancelled = inSecondWait(async () => {
      stop.abort();
      await expect.poll(drops).toBe(2);
    });
    await cancelled.ready;
    const options = { signal: stop.signal, onWait: cancelled.onWait };
    const { end, records: closed } = await rig.run('drop', { gate: 'go' }, options);
    await cancelled.settled();
    expect(end).toMatchObject({ kind: 'done' });
    expect(closed).toMatchObject([{ outcome: 'swept' }]);
    expect(await rig.indexes()).toEqual([]);
  });

  it('what a repair left, cut short itself, is found by the record of the drop', async () => {
    const rig = await openActRig(major);
    const { proof } = await loseSession(rig, 'drop');
    // As a repair by REINDEX leaves it.
    const somebody = await rig.somebody(olderSnapshot);
    await rig.target.owner.query(`SET lock_timeout = '200ms'`);
    await expect(rig.target.owner.query(`REINDEX INDEX CONCURRENTLY ${quoted}`)).rejects.toThrow('lock timeout');
    await rig.target.owner.query('RESET lock_timeout');
    expect(await rig.indexes()).toEqual([`${name} invalid`, `${name}_ccnew invalid`]);
    await expect(rig.sweep(proof)).rejects.toMatchObject({ code: 'lock_timeout' });
    await somebody.query('COMMIT');
    expect(await rig.sweep(proof)).toMatchObject({
      outcome: 'swept',
      note: expect.stringContaining('made valid again'),
    });
    expect(await rig.indexes()).toEqual([name]);
  });

  it('nothing is swept that was there before, is of another system, or is worked on', async () => {
    const rig = await openActRig(major);
    const { proof } = await loseSession(rig, 'reindex');
    const elsewhere = { ...proof, system_identifier: '1' };
    expect(await rig.sweep(elsewhere)).toMatchObject({ outcome: 'kept' });
    expect(await rig.sweep({ ...proof, database: 'elsewhere' })).toMatchObject({ outcome: 'kept' });
    expect(await rig.sweep({ anything: 'else' })).toMatchObject({ outcome: 'kept' });
    const { rows } = await rig.target.owner.query(
      'SELECT array_agg(indexrelid) AS oids FROM pg_index WHERE indrelid = $1::oid',
      [rig.tableOid],
    );
    expect(await rig.sweep({ ...proof, indexes_before: rows[0].oids })).toMatchObject({ outcome: 'absent' });
    const somebody = await rig.somebody(`BEGIN; LOCK TABLE "we""ird; --"."it's" IN SHARE UPDATE EXCLUSIVE MODE`);
    await expect(rig.sweep(proof)).rejects.toMatchObject({
      code: 'lock_timeout',
      message: expect.stringContaining('stays for now'),
    });
    expect(rig.sent.filter((statement) => statement.startsWith('DROP'))).toEqual([]);
    await somebody.query('COMMIT');
    // A record of the release before, which knew rebuilds alone.
    const { operation: _, ...earlier } = proof;
    expect(await inspect(rig, earlier)).toEqual({ kind: 'not_done' });
    expect(await rig.sweep(earlier)).toMatchObject({ outcome: 'swept' });
    expect(await rig.indexes()).toEqual([name]);
  });

  it('is not begun when it cannot be written down', async () => {
    const rig = await openActRig(major);
    const onRemnant = () => Promise.reject(new Error('the right to act is gone'));
    await expect(rig.run('drop', {}, { onRemnant })).rejects.toThrow('the right to act is gone');
    expect(rig.sent).toEqual([]);
    expect(await rig.indexes()).toEqual([name]);
  });
});
