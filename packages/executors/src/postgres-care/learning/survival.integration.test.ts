import type { Learning } from '@slacktide/application/ports';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, type PostgresMajor, startPostgres } from '../../../../../test/support/postgres.ts';
import { Remembered, runCare } from '../../../test/care-memory.ts';
import { openRig, type TargetRig } from '../../../test/target-rig.ts';

const fixture = `CREATE EXTENSION pg_stat_statements; CREATE TABLE orders (id int PRIMARY KEY, customer_id int, note text);
INSERT INTO orders SELECT n, n % 5000, 'n' FROM generate_series(1, 20000) n; ANALYZE orders`;

/** As one release of an application spells it, and as another does. */
const spelt = (customers: readonly number[], secret: string) =>
  `SELECT count(*), pg_sleep(0.11) FROM orders WHERE customer_id IN (${customers.join(', ')}) AND note <> '${secret}'`;
const respelt = (customers: readonly number[], secret: string) =>
  `/* v2 */ select COUNT(*), pg_sleep(0.11)\n from orders where customer_id in (${customers.join(',')}) and note <> '${secret}'`;

async function execute(rig: TargetRig, statements: readonly string[]): Promise<void> {
  const client = await rig.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

/** The one slow pattern there is. */
async function slowPattern(rig: TargetRig, remembered: Remembered): Promise<Learning> {
  await runCare(rig, remembered);
  const slow = remembered.learned('pattern').filter(({ value }) => value['kind'] === 'slow');
  expect(slow).toHaveLength(1);
  const [pattern] = slow;
  if (pattern === undefined) throw new Error('expected a slow pattern');
  return pattern;
}

async function learnedOn(rig: TargetRig, remembered: Remembered): Promise<Learning> {
  await rig.sql(fixture);
  await runCare(rig, remembered);
  await execute(
    rig,
    [1, 2, 3].map((at) => spelt([at, at + 1, at + 2], 'first secret')),
  );
  const pattern = await slowPattern(rig, remembered);
  expect(pattern.value).toMatchObject({ occurrences: 3 });
  return pattern;
}

async function ownServer(major: PostgresMajor, flags: string[] = []): Promise<TargetRig> {
  const server = await startPostgres(major, { flags });
  onTestFinished(() => server.stop());
  return await openRig(await createDatabase(server.url));
}

describe.each([14, 18] as const)('query patterns on PostgreSQL %i', (major) => {
  it('go on with their history when all counters are reset', async () => {
    await using rig = await ownServer(major);
    const remembered = new Remembered();
    const { key, firstLearnedAt } = await learnedOn(rig, remembered);
    await rig.sql('SELECT pg_stat_statements_reset()');
    expect(await slowPattern(rig, remembered)).toMatchObject({ key, firstLearnedAt, value: { occurrences: 3 } });
    // Between the last look and the next one, with a reset in between.
    await execute(rig, [spelt([7], 'x')]);
    await rig.sql('SELECT pg_stat_statements_reset()');
    await execute(rig, [spelt([7, 8], 'x'), respelt([9], 'y')]);
    const after = await slowPattern(rig, remembered);
    expect(after).toMatchObject({ key, firstLearnedAt, value: { kind: 'slow', role: 'postgres', occurrences: 5 } });
    expect(JSON.stringify(after)).not.toMatch(/secret/);
  });

  it('go on with their history when their rows are evicted', async () => {
    await using rig = await ownServer(major, ['pg_stat_statements.max=100']);
    const remembered = new Remembered();
    const { key, firstLearnedAt } = await learnedOn(rig, remembered);
    const rows = async (): Promise<number> => {
      const [row] = await rig.sql<{ n: number }>(
        'SELECT count(*)::int AS n FROM pg_stat_statements WHERE query ILIKE $1 AND calls > 1',
        ['%count(*), pg_sleep(%'],
      );
      return row?.n ?? -1;
    };
    expect(await rows()).toBe(1);
    // Each has one more column than the one before: a statement of its own, five times.
    const others = Array.from({ length: 150 }, (_, at) => `SELECT 1${', 1'.repeat(at + 1)}`);
    await execute(
      rig,
      others.map((statement) => Array(5).fill(statement).join('; ')),
    );
    expect(await rows()).toBe(0);
    const alone = await slowPattern(rig, remembered);
    expect(alone).toMatchObject({ key, firstLearnedAt, value: { occurrences: 3, role: 'postgres' } });
    // Often enough that the row is still there when care, which executes statements too, comes to look.
    await execute(
      rig,
      Array.from({ length: 12 }, (_, at) => spelt([at], 'x')),
    );
    expect(await slowPattern(rig, remembered)).toMatchObject({ key, firstLearnedAt, value: { occurrences: 15 } });
  });
});

describe('query patterns of a target that is upgraded', () => {
  it('go on from 14 to 18, where the server names and writes the statement in another way', async () => {
    const remembered = new Remembered();
    await using old = await openRig(await createDatabase(inject('targetUrls')[14]));
    const before = await learnedOn(old, remembered);
    const { key, firstLearnedAt } = before;

    await using upgraded = await openRig(await createDatabase(inject('targetUrls')[18]));
    await upgraded.sql(fixture);
    // Nothing was executed there yet: what the old server told stands.
    expect(await slowPattern(upgraded, remembered)).toMatchObject({
      key,
      firstLearnedAt,
      value: { occurrences: 3, query: before.value['query'] },
    });
    await execute(upgraded, [spelt([7, 8], 'x'), respelt([9], 'second secret')]);
    const after = await slowPattern(upgraded, remembered);
    expect(after).toMatchObject({ key, firstLearnedAt, value: { occurrences: 5, kind: 'slow' } });
    const textIds = after.value['text_ids'];
    expect(textIds).toEqual(expect.arrayContaining([...Object(before.value['text_ids'])]));
    expect(Object(textIds).length).toBeGreaterThan(1);
    expect(after.value['query']).not.toBe(before.value['query']);
    expect(JSON.stringify([...remembered.learned('pattern'), ...remembered.learned('suggestion')])).not.toMatch(
      /secret/,
    );
  });
});
