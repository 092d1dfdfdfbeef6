import { describe, expect, it, onTestFinished } from 'vitest';
import { type Damage, damagedCopy, pageBytes } from '../../../../test/support/damaged-cluster.ts';
import { createDatabase, majors, startPostgres, type TestPostgres } from '../../../../test/support/postgres.ts';
import { openCheckRig } from '../../test/check-rig.ts';
import { integrity } from './index.ts';

const fixture = `
CREATE EXTENSION amcheck;
CREATE SCHEMA "od""d";
CREATE TABLE t (id bigint, u bigint);
INSERT INTO t SELECT g, g FROM generate_series(1, 2000) g;
CREATE INDEX swapped ON t (id);
CREATE INDEX "od""d_index; --" ON t (u);
CREATE INDEX sound ON t (id, u);
CREATE TABLE "od""d"."we""ird; --" AS SELECT g AS id FROM generate_series(1, 1000) g;
CREATE TABLE torn AS SELECT g AS id FROM generate_series(1, 1000) g;
`;

/** The first entry of the first leaf, 1, gets the largest key there is: its order is wrong, its page is not. */
const swapFirstKey: Damage = (file) => {
  const specialBytes = 16;
  const keyBytes = 8;
  file.writeBigInt64LE(2n ** 62n, 2 * pageBytes - specialBytes - keyBytes);
};
/** The header of the second page, of the first leaf of an index, is none. */
const tearPage: Damage = (file) => void file.fill(0xff, pageBytes, pageBytes + 24);
/** The first line pointers of the first page point one byte beside their rows. */
const shiftRows: Damage = (file) => {
  for (const row of [0, 1, 2]) {
    const at = 24 + 4 * row;
    file.writeUInt32LE(file.readUInt32LE(at) + 1, at);
  }
};
/** One bit of a key: what the page says is sound, but it is not what was written. */
const flipBit: Damage = (file) => void file.writeUInt8(file.readUInt8(2 * pageBytes - 24) ^ 4, 2 * pageBytes - 24);

describe.each(majors)('damaged pages on PostgreSQL %i', (major) => {
  it('are found for what they are, and nothing else is', async () => {
    const server = await startPostgres(major);
    onTestFinished(() => server.stop());
    const template = await createDatabase(server.url);
    await expectSound(template.url);
    await expectDamageFound(server, template.name);
    await expectCataloguesTold(server, template.name);
    // Only initdb of 18 switches checksums on.
    if (major === 18) await expectChecksumsRemembered(server, template.name);
  });
});

async function expectSound(url: string): Promise<void> {
  await using rig = await openCheckRig({ url, drop: async () => undefined });
  await rig.sql(fixture);
  expect(await rig.run(integrity, { heap_check: true, heapallindexed: true })).toMatchObject({ findings: [] });
}

async function expectDamageFound(server: TestPostgres, template: string): Promise<void> {
  const copy = await damagedCopy(server, template, {
    'public.swapped': swapFirstKey,
    'public."od""d_index; --"': tearPage,
    '"od""d"."we""ird; --"': shiftRows,
  });
  await using rig = await openCheckRig(copy);
  // Checksums would find the damage before amcheck does.
  await rig.sql(
    `DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET ignore_checksum_failure = on', current_database()); END$$`,
  );
  const report = await rig.run(integrity, { heap_check: true });
  const found = Object.fromEntries(report.findings.map((finding) => [finding.fingerprint, finding]));
  expect(found).toMatchObject({
    'index:public.swapped': {
      severity: 'critical',
      object: { kind: 'index', schema: 'public', name: 'swapped', table: 't' },
      evidence: { sqlstate: 'XX002', message: expect.stringContaining('invariant violated') },
      action: null,
    },
    'index:public."od""d_index; --"': {
      evidence: { sqlstate: 'XX001', message: expect.stringContaining('invalid page in block 1') },
      action: null,
    },
    'table:"od""d"."we""ird; --"': {
      object: { kind: 'table', schema: 'od"d', name: 'we"ird; --', table: null },
      evidence: { problems: 3, first_problems: [{ block: 0, item: 1 }, { item: 2 }, { item: 3 }] },
      action: null,
    },
  });
  expect(Object.keys(found).filter((fingerprint) => !fingerprint.startsWith('database:'))).toHaveLength(3);
  expect(report.unknown.filter(({ reason }) => reason !== 'checksums_off')).toEqual([]);
  // What is not verified the next time stays as it was found.
  const next = await rig.run(integrity, { max_relations: 1 });
  expect(next.unjudged).toEqual(expect.arrayContaining(['od"d.we"ird; --', 'public.swapped']));
}

async function expectCataloguesTold(server: TestPostgres, template: string): Promise<void> {
  const copy = await damagedCopy(server, template, {
    'pg_catalog.pg_extension': (file) => void file.fill(0xff, 0, 24),
  });
  await using rig = await openCheckRig(copy);
  expect(await rig.run(integrity)).toMatchObject({
    findings: [{ fingerprint: expect.stringMatching(/^catalogues:test_/), severity: 'critical', action: null }],
    unjudged: 'all',
  });
}

async function expectChecksumsRemembered(server: TestPostgres, template: string): Promise<void> {
  const copy = await damagedCopy(server, template, { 'public.swapped': flipBit, 'public.torn': flipBit });
  await using rig = await openCheckRig(copy);
  const database = expect.stringMatching(/^database:test_/);
  const report = await rig.run(integrity, { heap_check: true });
  expect(report.findings).toMatchObject([
    { fingerprint: database, severity: 'critical', evidence: { failures_seen: 2 }, action: null },
    { fingerprint: 'index:public.swapped', evidence: { sqlstate: 'XX001' } },
    { fingerprint: 'table:public.torn', evidence: { sqlstate: 'XX001' } },
  ]);
  await rig.sql('SELECT pg_stat_reset()');
  const afterReset = await rig.run(integrity, { max_relations: 1 });
  expect(afterReset.findings).toMatchObject([
    { fingerprint: database, severity: 'critical', evidence: { checksum_failures: 0, failures_seen: 2 } },
  ]);
}
