import type { Standby } from '@slacktide/application/ports';
import { createPostgresGateway } from '@slacktide/targets';
import { parse } from 'libpg-query';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors, startPostgres } from '../../../../test/support/postgres.ts';
import { startReplicaOf, waitForReplay } from '../../../../test/support/replica.ts';
import { remembering } from '../../test/remembering.ts';
import { openRig, type RigRun } from '../../test/target-rig.ts';
import { replicaValidation } from './index.ts';

const standbyAt = (url: string, name: string): Standby => {
  const gateway = createPostgresGateway({ env: { TARGET_PASSWORD: 'postgres' } });
  const connection = new URL(url);
  connection.password = '';
  const address = { kind: 'postgres', connection: connection.href, secretRef: 'env:TARGET_PASSWORD' } as const;
  return { name, read: (use) => gateway.read(address, { applicationName: 'slacktide/test/standby' }, use) };
};
const away = standbyAt('postgresql://postgres@127.0.0.1:1/postgres', '127.0.0.1:1/postgres');
const outcomes = ({ steps }: RigRun) =>
  Object.fromEntries(
    steps.map(({ step, outcome }) => [
      step.key,
      outcome.kind === 'failed'
        ? outcome.error.code
        : outcome.kind === 'skipped'
          ? `skipped: ${outcome.reason}`
          : 'done',
    ]),
  );

describe.each(majors)('REPLICA_VALIDATION on PostgreSQL %i', (major) => {
  it('says which standby could not be reached, and takes it for nothing else', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql('CREATE TABLE t (id int)');
    const { context } = remembering({ standbys: [away] });
    const run = await rig.run(replicaValidation, { compare_tables: ['t'] }, { context });
    expect(run.plan?.unknown).toEqual([
      { object: `standby ${away.name}`, reason: expect.stringMatching(/^unreachable: /), grant: null },
    ]);
    expect(outcomes(run)).toEqual({ replication: 'done' });
    expect(run.reports).toMatchObject([
      { check: 'replication', unknown: [{ object: `standby ${away.name}`, reason: 'unreachable' }] },
    ]);
    const { problems } = await rig.plan(replicaValidation, { compare_tables: ['nothing'] }, { context });
    expect(problems).toMatchObject([{ pointer: '/compare_tables/0', code: 'unknown_table' }]);
    const content = await rig.plan(replicaValidation, { content_check: true }, { context });
    expect(content.plan?.unknown).toContainEqual({
      object: 'amcheck',
      reason: 'amcheck_missing',
      grant: 'CREATE EXTENSION amcheck',
    });
  });
});

describe.each([14, 18] as const)('a standby of PostgreSQL %i', (major) => {
  it('is described, and its indexes and rows are compared with those of its primary', async () => {
    const primary = await startPostgres(major);
    onTestFinished(() => primary.stop());
    await using rig = await openRig({ url: primary.url, drop: async () => undefined });
    await rig.sql(`CREATE EXTENSION amcheck; CREATE SCHEMA "we""ird; --"; CREATE TABLE "we""ird; --"."t""; --" (t text, id int PRIMARY KEY, d interval);
      INSERT INTO "we""ird; --"."t""; --" SELECT md5(g::text), g, g * interval '1 hour' FROM generate_series(1, 1000) g;
      CREATE TABLE parted (id int) PARTITION BY RANGE (id); CREATE TABLE leaf PARTITION OF parted FOR VALUES FROM (0) TO (10); INSERT INTO parted VALUES (1), (2)`);
    const replica = await startReplicaOf(primary, { name: 'second', flags: ['hot_standby_feedback=on'] });
    onTestFinished(() => replica.stop());
    await using there = await openRig({ url: replica.url, drop: async () => undefined });
    await waitForReplay(primary.url, replica.url);
    const name = `127.0.0.1:${replica.port}/postgres`;
    const { context } = remembering({ standbys: [standbyAt(replica.url, name)] });
    const rows = `rows of "we""ird; --"."t""; --" on ${name}`;
    const config = {
      compare_tables: ['"we""ird; --"."t""; --"', 'parted'],
      content_check: true,
      content_max_indexes: 3,
    };
    const run = await rig.run(replicaValidation, config, { context });
    expect(run.problems).toEqual([]);
    expect(new Set(Object.values(outcomes(run)))).toEqual(new Set(['done']));
    expect(Object.keys(outcomes(run))).toEqual([
      'replication',
      `standby ${name}`,
      ...[1, 2, 3].map(() => expect.stringMatching(/^index .* on /)),
      `rows of public.parted on ${name}`,
      rows,
    ]);
    expect(run.steps[1]?.outcome).toMatchObject({
      result: {
        problems: [],
        in_recovery: true,
        receiver_status: 'streaming',
        replay_state: 'not paused',
        timeline: 1,
        conflicts: 0,
        hot_standby_feedback: true,
      },
    });
    expect(run.steps.at(-1)?.outcome).toMatchObject({ result: { rows: 1000 } });
    for (const { step } of run.steps) {
      for (const statement of step.statements) {
        const { stmts = [] } = await parse(statement);
        expect(stmts.map(({ stmt }) => Object.keys(stmt ?? {}))).toEqual([['SelectStmt']]);
      }
    }
    expect(run.steps.flatMap(({ step }) => step.statements)).toEqual(
      (await rig.plan(replicaValidation, config, { context })).plan?.steps.flatMap(({ statements }) => statements),
    );

    // What is told of as different: the statement is given another table to read there than here.
    await rig.sql('CREATE TABLE other AS SELECT 1 AS id');
    await waitForReplay(primary.url, replica.url);
    const differing = {
      ...context,
      standbys: context.standbys.map((standby) => pretending(standby, ['public.parted AS t', 'public.other AS t'])),
    };
    const different = await rig.run(replicaValidation, { compare_tables: ['parted'] }, { context: differing });
    expect(different.steps.at(-1)?.outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'content_differs', detail: { rows: 2, rows_on_standby: 1 } },
    });

    // A standby that does not replay is not compared; nor is a table that changes all the time.
    await there.sql('SELECT pg_wal_replay_pause()');
    await rig.sql('INSERT INTO parted VALUES (3)');
    const paused = await rig.run(
      replicaValidation,
      { compare_tables: ['parted'], compare_wait_seconds: 1, fail_on: 'warning' },
      { context },
    );
    expect(outcomes(paused)).toEqual({
      replication: 'findings',
      [`standby ${name}`]: 'done',
      [`rows of public.parted on ${name}`]: 'skipped: standby_behind',
    });
    expect(paused.steps[1]?.outcome).toMatchObject({ result: { problems: ['paused'] } });
    await there.sql('SELECT pg_wal_replay_resume()');
    const changing = {
      ...context,
      standbys: context.standbys.map(
        (standby): Standby => ({
          ...standby,
          read: (use) =>
            standby.read(async (reader) => {
              const result = await use({
                ...reader,
                query: async (sql, parameters) => {
                  const found = await reader.query(sql, parameters);
                  if (sql.includes('public.parted')) await rig.sql('INSERT INTO parted VALUES (4)');
                  return found as never;
                },
              });
              return result;
            }),
        }),
      ),
    };
    const moving = await rig.run(replicaValidation, { compare_tables: ['parted'] }, { context: changing });
    expect(moving.steps.at(-1)?.outcome).toEqual({ kind: 'skipped', reason: 'table_changed' });
  });
});

/** The same standby, which reads something else than it is asked for. */
function pretending(standby: Standby, [asked, instead]: readonly [string, string]): Standby {
  return {
    ...standby,
    read: (use) =>
      standby.read((reader) =>
        use({ ...reader, query: (sql, parameters) => reader.query(sql.replace(asked, instead), parameters) }),
      ),
  };
}
