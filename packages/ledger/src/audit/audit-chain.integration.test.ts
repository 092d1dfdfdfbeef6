import { sealAudit, verifyAudit } from '@slacktide/application';
import type { AuditEntry } from '@slacktide/application/ports';
import { expect, it, onTestFinished } from 'vitest';
import { freshLedger, lookInto } from '../../../../test/support/ledger.ts';
import { sampleContext } from '../../../../test/support/ledger-data.ts';
import { connectLedger } from '../connect.ts';
import { isUnsealed } from './is-unsealed.ts';

async function setup() {
  const databaseUrl = await freshLedger();
  const connect = (maxConnections: number) => {
    const connection = connectLedger({ databaseUrl, applicationName: 'test', maxConnections });
    onTestFinished(connection.close);
    return connection;
  };
  const { ledger, auditChain } = connect(8);
  const sql = lookInto(databaseUrl);
  const write = (...entries: [AuditEntry, ...AuditEntry[]]) =>
    ledger.transaction(sampleContext(), async () => ({ result: null, audit: entries }));
  return {
    connect,
    ledger,
    auditChain,
    sql,
    write,
    seal: (limit = 1_000) => sealAudit({ auditChain }, limit),
    verdict: () => verifyAudit({ auditChain, auditPublicKey: undefined }, {}),
    /** `<stream> <seq> <entity id>` of every seal. */
    seals: async () =>
      (
        await sql`SELECT stream, seq, entity_id FROM audit_seals JOIN audit_events ON id = event_id ORDER BY stream, seq`
      ).map(({ stream, seq, entity_id }) => `${stream} ${seq} ${entity_id}`),
    settled: async () => Number((await sql`SELECT settled_id FROM audit_sealing`)[0]?.['settled_id']),
  };
}

const entry = (entity: AuditEntry['entity'], entityId: string): AuditEntry => ({ action: 'try', entity, entityId });

it('seals every event once, in the stream of its entity, batch after batch', async () => {
  const { seal, seals, write, settled, auditChain } = await setup();
  await write(entry('target', 'a'), entry('job', 'b'), entry('task', 'c'), entry('schedule', 'd'));
  await write(entry('api_key', 'e'), entry('signal', 'f'));
  expect((await auditChain.backlog()).unsealed).toBe(6);
  expect([await seal(4), await seal(4), await seal(4)]).toEqual([4, 2, 0]);
  expect(await seals()).toEqual([
    'access 1 e',
    'configuration 1 a',
    'configuration 2 d',
    'health 1 f',
    'work 1 b',
    'work 2 c',
  ]);
  expect(await auditChain.backlog()).toEqual({ unsealed: 0, oldestSeconds: 0 });
  expect(await settled()).toBe(6);
  expect(await auditChain.readHeads()).toMatchObject([
    { stream: 'configuration', seq: 2 },
    { stream: 'access', seq: 1 },
    { stream: 'work', seq: 2 },
    { stream: 'health', seq: 1 },
  ]);
});

it('never skips an event whose transaction commits after those of later ids', async () => {
  const { seal, seals, sql, write, settled, verdict } = await setup();
  await write(entry('job', 'first'));
  await seal();
  const before = await settled();
  const slow = await sql.reserve();
  await slow`BEGIN`;
  await slow`INSERT INTO audit_events (actor, action, entity, entity_id) VALUES ('a', 'try', 'job', 'slow')`;
  await write(entry('job', 'third'));
  for (let passes = 0; passes < 3; passes += 1) await seal();
  expect(await seals()).toEqual(['work 1 first', 'work 2 third']);
  expect(await settled(), 'the mark waits for who is still at work').toBe(before);
  await slow`COMMIT`;
  slow.release();
  expect(await seal()).toBe(1);
  expect(await seals()).toEqual(['work 1 first', 'work 2 third', 'work 3 slow']);
  await seal();
  expect(await settled()).toBe(before + 2);
  expect(await verdict()).toMatchObject({ intact: true, unsealed: 0 });
});

it('raises the mark over ids that were rolled back, and amid a backlog as far as it is sealed', async () => {
  const { seal, sql, write, settled } = await setup();
  await write(entry('job', 'a'), entry('job', 'b'), entry('job', 'c'));
  await sql
    .begin(async (tx) => {
      await tx`INSERT INTO audit_events (actor, action, entity, entity_id) VALUES ('a', 'try', 'job', 'lost')`;
      throw new Error('rolled back');
    })
    .catch(() => undefined);
  await write(entry('job', 'e'));
  expect([await seal(2), await settled()]).toEqual([2, 2]);
  expect([await seal(2), await settled()]).toEqual([2, 5]);
  expect([await seal(2), await settled()]).toEqual([0, 5]);
});

it('is held by one sealer at a time, and given back when that one fails', async () => {
  const { auditChain, connect, seal, write, verdict } = await setup();
  await write(entry('job', 'a'));
  const other = connect(1).auditChain;
  let meanwhile: Promise<unknown> | undefined;
  await expect(
    auditChain.extend(10, () => {
      meanwhile = sealAudit({ auditChain: other }, 10);
      throw new Error('died');
    }),
  ).rejects.toThrow('died');
  // Either came while the row was locked, or after it was given back.
  expect([undefined, 1]).toContain(await meanwhile);
  await seal();
  expect(await verdict()).toMatchObject({ intact: true, unsealed: 0 });
});

it('leaves the work to who is at it', async () => {
  const { sql, seal, write } = await setup();
  await write(entry('job', 'a'));
  await sql.begin(async (tx) => {
    await tx`SELECT FROM audit_sealing FOR UPDATE`;
    expect(await seal()).toBeUndefined();
  });
  expect(await seal()).toBe(1);
});

it('stays whole under many writers and several sealers', async () => {
  const { connect, seal, seals, verdict, sql } = await setup();
  const writers = Array.from({ length: 6 }, () => connect(1).ledger);
  const sealers = Array.from({ length: 3 }, () => connect(1).auditChain);
  let writing = true;
  const work = Promise.all(
    writers.map(async (ledger, writer) => {
      for (let round = 0; round < 40; round += 1) {
        const entries: [AuditEntry, ...AuditEntry[]] = [
          entry('job', `${writer}.${round}`),
          entry('target', `${writer}.${round}`),
        ];
        await ledger
          .transaction(sampleContext(), async () => {
            // Transactions commit in another order than ids are given out, and some come to nothing.
            if (round % 9 === writer) throw new Error('rolled back');
            return { result: null, audit: entries };
          })
          .catch(() => undefined);
      }
    }),
  ).finally(() => {
    writing = false;
  });
  const sealing = sealers.map(async (auditChain) => {
    while (writing) await sealAudit({ auditChain }, 7);
  });
  await Promise.all([work, ...sealing]);
  while ((await seal()) !== 0);
  const [events] = await sql`SELECT count(*)::int AS events FROM audit_events`;
  expect(new Set(await seals()).size).toBe(events?.['events']);
  expect(await verdict()).toMatchObject({ intact: true, unsealed: 0 });
});

it.each(['audit_events', 'audit_seals'])(
  '%s only grows, also for a superuser who turns triggers off for his session',
  async (table) => {
    const { sql, seal, write } = await setup();
    await write(entry('job', 'a'));
    await seal();
    const before = await sql.unsafe(`SELECT * FROM ${table}`);
    const column = table === 'audit_events' ? 'actor' : 'hash';
    const statements = [
      `UPDATE ${table} SET ${column} = ${column}`,
      `DELETE FROM ${table} WHERE false`,
      `TRUNCATE ${table}`,
    ];
    for (const role of ['origin', 'replica']) {
      for (const statement of statements) {
        const change = sql.begin(async (tx) => {
          await tx`SELECT set_config('session_replication_role', ${role}, true)`;
          await tx.unsafe(statement);
        });
        await expect(change, `${role}: ${statement}`).rejects.toThrow('the audit log only grows');
      }
    }
    expect(await sql.unsafe(`SELECT * FROM ${table}`)).toEqual(before);
  },
);

it('is sealed by this code when it was written by other code', async () => {
  const { sql, seal, verdict } = await setup();
  await sql`INSERT INTO audit_events (actor, action, entity, entity_id, after) VALUES
    ('a', 'x', 'of_a_later_release', 'x', '{"deep": {"number": 1e400, "text": "\\ud83d\\ude00 \\u2028"}, "__proto__": [1.5, null]}')`;
  expect(await seal()).toBe(1);
  expect(await verdict()).toMatchObject({ intact: true, streams: [{ stream: 'configuration', seq: 1 }, {}, {}, {}] });
});

interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly Plans?: readonly PlanNode[];
}

/** Seals that a plan read. */
function sealsRead({ Plans = [], ...node }: PlanNode): number {
  const own = node['Relation Name'] === 'audit_seals' ? node['Actual Rows'] * node['Actual Loops'] : 0;
  return own + Plans.reduce((sum, plan) => sum + sealsRead(plan), 0);
}

it('reads the seals after the mark only, however many there are', async () => {
  const { sql, auditChain } = await setup();
  await sql`
    INSERT INTO audit_events (actor, action, entity, entity_id) SELECT 'system:test', 'try', 'job', i::text FROM generate_series(1, 20000) AS i`;
  await sql`
    INSERT INTO audit_seals (stream, seq, event_id, hash)
    SELECT 'work', id, id, repeat('0', 64) FROM audit_events WHERE id <= 19990`;
  await sql`UPDATE audit_sealing SET settled_id = 19980`;
  await sql`ANALYZE audit_events, audit_seals`;
  expect((await auditChain.backlog()).unsealed).toBe(10);
  const mark = sql`(SELECT settled_id FROM audit_sealing)`;
  const [row] = await sql`
    EXPLAIN (ANALYZE, FORMAT JSON)
    SELECT count(*) FROM audit_events AS event WHERE id > ${mark} AND ${isUnsealed(sql as never, mark)}`;
  expect(sealsRead(row?.['QUERY PLAN'][0].Plan)).toBeLessThanOrEqual(20);
});
