import type { CheckReport, FoundFinding } from '@slacktide/domain';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { invalidIndex } from './index.ts';

const hostile = `"wei'rd ""s"`;
const hostileKey = (name: string): string => `wei'rd "s.${name}`;

const schema = `
CREATE SCHEMA ${hostile};
CREATE TABLE ${hostile}."we""ird; --" (n int, "Mixed; col" text);
INSERT INTO ${hostile}."we""ird; --" VALUES (1, 'a'), (1, 'a'), (2, 'b'), (2, 'b'), (NULL, 'c'), (NULL, 'c');
CREATE TABLE public.t (n int, s text, m int);
INSERT INTO public.t SELECT n, n::text, n FROM generate_series(1, 200) AS n;
CREATE INDEX t_lost ON public.t (m);
CREATE INDEX t_half ON public.t ((n + 1)) WHERE n > 0;
CREATE INDEX t_dead ON public.t (s) WITH (fillfactor = 70) WHERE s <> ' WHERE ';
CREATE INDEX t_twin ON public.t (n, s);
CREATE INDEX t_twin2 ON public.t (n, s);
CREATE INDEX t_made ON public.t (s, n);
CREATE INDEX t_gone ON public.t (s DESC);
CREATE INDEX orders_ccnew ON public.t (n DESC);
CREATE TABLE public.k (id int PRIMARY KEY, r int4range, EXCLUDE USING gist (r WITH &&));
CREATE TABLE public.ri (id int NOT NULL);
CREATE UNIQUE INDEX ri_id ON public.ri (id);
ALTER TABLE public.ri REPLICA IDENTITY USING INDEX ri_id;`;

describe.each(majors)('invalid_index on PostgreSQL %i', (major) => {
  let rig: CheckRig;
  beforeAll(async () => {
    rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql(schema);
    await breakIndexes(rig);
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const run = (as?: string) => rig.run(invalidIndex, { confirm_seconds: 0 }, as ? { as } : {});
  const find = async (key: string): Promise<FoundFinding> => found(await run(), key);

  it('tells a failed create, a failed drop, what may be either, and what is needed', async () => {
    const report = await run();
    expect(classesIn(report)).toEqual({
      [hostileKey('failed; "u')]: 'failed_create',
      'public.t_dead': 'failed_drop',
      'public.t_gone': 'failed_drop_or_create',
      'public.t_half': 'failed_drop_or_create',
      'public.t_lost': 'failed_drop',
      'public.t_made': 'failed_drop_or_create',
      'public.t_twin2': 'failed_drop_or_create',
      'public.t_none_ccnew': 'failed_drop_or_create',
      'public.k_pkey': 'needed',
      'public.k_r_excl': 'needed',
      'public.ri_id': 'needed',
    });
    expect(report).toMatchObject({
      unknown: [],
      unjudged: [],
      skipped: [
        {
          object: expect.stringMatching(/^pg_toast\.pg_toast_\d+_index_ccnew$/),
          reason: expect.stringMatching(/orphaned_index/),
        },
        { object: 'public.t_made_ccnew', reason: expect.stringMatching(/orphaned_index/) },
      ],
      figures: { in_progress: 0, invalid: 11, left_to_orphaned_index: 2, concurrent_builds_may_corrupt: false },
    });
    expect(report.checked).toBe(Number(report.figures['indexes']) - 2);
  });

  it('drops a failed unique index, and says how many keys made it fail', async () => {
    const name = 'failed; "u';
    const finding = await find(hostileKey(name));
    expect(finding).toMatchObject({
      severity: 'warning',
      object: { kind: 'index', schema: `wei'rd "s`, name, table: 'we"ird; --' },
      summary: expect.stringMatching(/cause is 2 duplicate keys/),
      evidence: { is_ready: false, is_live: true, duplicate_keys: 2 },
      action: { class: 'never_retry', lockMode: 'SHARE UPDATE EXCLUSIVE' },
    });
    expect(await rig.sql(String(finding.evidence['duplicates_query']))).toEqual([{ duplicate_keys: '2' }]);
    await rig.execute(finding.action?.sql ?? []);
    expect(keys(await run())).not.toContain(hostileKey(name));
    await rig.sql(`DELETE FROM ${hostile}."we""ird; --" WHERE n IS NOT NULL`);
    await rig.execute(finding.action?.rollbackSql ?? []);
    expect(await definitionOf(rig, `${hostile}."failed; ""u"`)).toBe(finding.evidence['definition']);
    expect(keys(await run())).not.toContain(hostileKey(name));
  });

  it('says that an index is lost when its drop was cut short, and brings it back', async () => {
    const finding = await find('public.t_lost');
    expect(finding).toMatchObject({
      summary: expect.stringMatching(/^You lost index public\.t_lost on public\.t: .*writes still maintain it/),
      evidence: {
        is_valid: false,
        is_ready: true,
        was_used: true,
        options: [{}, { sql: 'DROP INDEX CONCURRENTLY public.t_lost' }],
      },
      action: { sql: ['REINDEX INDEX CONCURRENTLY public.t_lost'], rollbackSql: [], class: 'idempotent' },
    });
    await cures(finding, 'public.t_lost');
  });

  it.each(['t_half', 't_gone', 't_made'])('offers to repair %s, which may be either', async (name) => {
    const finding = await find(`public.${name}`);
    expect(finding.action?.sql).toEqual([`REINDEX INDEX CONCURRENTLY public.${name}`]);
    expect(finding.evidence['options']).toHaveLength(2);
    await cures(finding, `public.${name}`);
  });

  it('finishes a drop that had taken the index out of use', async () => {
    const finding = await find('public.t_dead');
    expect(finding).toMatchObject({
      evidence: { is_live: false, is_ready: false },
      action: { sql: ['DROP INDEX CONCURRENTLY public.t_dead'] },
    });
    await rig.execute(finding.action?.sql ?? []);
    expect(keys(await run())).not.toContain('public.t_dead');
    await rig.execute(finding.action?.rollbackSql ?? []);
    expect(await definitionOf(rig, 'public.t_dead')).toBe(finding.evidence['definition']);
  });

  it('drops what another index does as well, and names the one that stays', async () => {
    const finding = await find('public.t_twin2');
    expect(finding).toMatchObject({
      summary: expect.stringMatching(/drop public\.t_twin2; t_twin does the same and stays/),
      evidence: { does_the_same: 't_twin' },
      action: { sql: ['DROP INDEX CONCURRENTLY public.t_twin2'] },
    });
    await rig.execute(finding.action?.sql ?? []);
    await rig.execute(finding.action?.rollbackSql ?? []);
    expect(await definitionOf(rig, 'public.t_twin2')).toBe(finding.evidence['definition']);
    expect(keys(await run())).not.toContain('public.t_twin2');
  });

  it('takes no valid index for a leftover because of its name, and none for REINDEX’s without its original', async () => {
    const report = await run();
    expect(keys(report)).not.toContain('public.orders_ccnew');
    expect(found(report, 'public.t_none_ccnew').action?.sql).toEqual(['DROP INDEX CONCURRENTLY public.t_none_ccnew']);
  });

  it('rebuilds what a constraint or a replica identity needs: PostgreSQL refuses to drop it', async () => {
    const statements = {
      'public.k_pkey': 'REINDEX INDEX CONCURRENTLY public.k_pkey',
      'public.k_r_excl': 'REINDEX INDEX public.k_r_excl',
      'public.ri_id': 'REINDEX INDEX CONCURRENTLY public.ri_id',
    };
    for (const [key, statement] of Object.entries(statements)) {
      const finding = await find(key);
      expect(finding).toMatchObject({ severity: 'critical', action: { sql: [statement] } });
      await cures(finding, key);
    }
  });

  /** The action cures it, and the definition stays as it was. */
  async function cures(finding: FoundFinding, key: string): Promise<void> {
    await rig.execute(finding.action?.sql ?? []);
    expect(keys(await run())).not.toContain(key);
    expect(await definitionOf(rig, key)).toBe(finding.evidence['definition']);
  }
});

/** Real failures: duplicate keys, lock timeouts amid CREATE, REINDEX and DROP, and a drop cancelled in its second wait. */
async function breakIndexes(rig: CheckRig): Promise<void> {
  await rig.sql('SET enable_seqscan = off; SELECT FROM public.t WHERE m = 1');
  await until(() => rig.sql(`SELECT WHERE pg_stat_get_numscans('public.t_lost'::regclass) > 0`));
  const fails = (sql: string, message: string) => expect(rig.sql(sql)).rejects.toThrow(message);
  await fails(
    `CREATE UNIQUE INDEX CONCURRENTLY "failed; ""u" ON ${hostile}."we""ird; --" (n, "Mixed; col")`,
    'could not create unique index',
  );

  const reader = await rig.connect();
  const worker = await rig.connect();
  await worker.query(`SET lock_timeout = '100ms'`);
  const timesOut = (sql: string) => expect(worker.query(sql)).rejects.toThrow('lock timeout');
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM public.ri');
  await timesOut('REINDEX INDEX CONCURRENTLY public.t_made');
  await timesOut('CREATE INDEX CONCURRENTLY t_none_ccnew ON public.t (n, s DESC)');
  const [toast] = await rig.sql<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class WHERE oid = (SELECT indexrelid FROM pg_index WHERE indrelid = (SELECT reltoastrelid FROM pg_class WHERE oid = 'public.t'::regclass))`,
  );
  await timesOut(`REINDEX INDEX CONCURRENTLY ${toast?.name}`);
  await reader.query('ROLLBACK; BEGIN; SELECT FROM public.t');
  for (const name of ['t_lost', 't_half', 't_gone', 't_twin2'])
    await timesOut(`DROP INDEX CONCURRENTLY public.${name}`);

  await worker.query('RESET lock_timeout');
  const pid = (await worker.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
  const dropping = expect(worker.query('DROP INDEX CONCURRENTLY public.t_dead')).rejects.toThrow('canceling');
  await until(() => rig.sql('SELECT FROM pg_locks WHERE pid = $1 AND NOT granted', [pid]));
  const late = await rig.connect();
  await late.query('BEGIN; SELECT FROM public.t');
  await reader.query('ROLLBACK');
  await until(() => rig.sql('SELECT FROM pg_index WHERE NOT indislive'));
  await rig.sql('SELECT pg_cancel_backend($1)', [pid]);
  await dropping;
  await late.query('ROLLBACK');
  // The last wait of a create cannot be told from the first of a drop; and nothing but a hand in the catalogue invalidates these.
  await rig.sql(`UPDATE pg_index SET indisvalid = false
    WHERE indexrelid IN ('public.t_made'::regclass, 'public.k_pkey'::regclass, 'public.k_r_excl'::regclass, 'public.ri_id'::regclass)`);
}

/** Waits for a state of the catalogue, where `expect.poll` may not be called. */
async function until(look: () => Promise<readonly unknown[]>): Promise<void> {
  await vi.waitFor(async () => expect(await look()).not.toEqual([]), { timeout: 20_000 });
}

async function definitionOf(rig: CheckRig, name: string): Promise<string | undefined> {
  const [row] = await rig.sql<{ definition: string }>(`SELECT pg_get_indexdef(to_regclass($1)) AS definition`, [name]);
  return row?.definition;
}

function keyOf({ object }: FoundFinding): string {
  return `${object.schema}.${object.name}`;
}

function keys({ findings }: CheckReport): string[] {
  return findings.map(keyOf);
}

function classesIn({ findings }: CheckReport): Record<string, unknown> {
  return Object.fromEntries(findings.map((finding) => [keyOf(finding), finding.evidence['class']]));
}

function found({ findings }: CheckReport, key: string): FoundFinding {
  const finding = findings.find((candidate) => keyOf(candidate) === key);
  if (finding === undefined) throw new Error(`expected a finding on ${key}, got: ${findings.map(keyOf).join(', ')}`);
  return finding;
}
