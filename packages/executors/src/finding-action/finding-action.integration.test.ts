import type { Plan, Remnant, TargetSession } from '@slacktide/application/ports';
import type { CheckName, JsonObject } from '@slacktide/domain';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors, type PostgresMajor } from '../../../../test/support/postgres.ts';
import { findIn } from '../../test/find-in.ts';
import { openRig, type RigOptions, type TargetRig } from '../../test/target-rig.ts';
import { findingAction } from './index.ts';

/** One thing to find of each kind. Tables of their own: what is done to one must not hold up another. */
const fixture = `
CREATE EXTENSION pgstattuple;
CREATE SCHEMA "we""ird; --";
CREATE TABLE "we""ird; --"."it's" (a int, b int);
CREATE INDEX short ON "we""ird; --"."it's" (a);
CREATE INDEX long ON "we""ird; --"."it's" (a, b);
CREATE TABLE "Ref" (id int PRIMARY KEY);
CREATE TABLE plain (id int, ref int CONSTRAINT plain_fk REFERENCES "Ref");
CREATE TABLE parted (id int, ref int CONSTRAINT parted_fk REFERENCES "Ref") PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE "parted "" 2" PARTITION OF parted FOR VALUES IN (2);
CREATE TABLE bloated (id int) WITH (autovacuum_enabled = off);
INSERT INTO bloated SELECT generate_series(1, 100000);
CREATE INDEX bloated_id ON bloated (id);
DELETE FROM bloated WHERE id % 50 > 0;
CREATE TABLE doubtful (id int);
ALTER TABLE doubtful ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;
CREATE TABLE stale (id int) WITH (autovacuum_enabled = off);
INSERT INTO stale SELECT generate_series(1, 10000);
CREATE TABLE slow (id int, ref int CONSTRAINT slow_fk REFERENCES "Ref");
CREATE TABLE going (a int, b int);
CREATE INDEX going_a ON going (a);
CREATE INDEX going_a_b ON going (a, b)`;

const configs: Readonly<Partial<Record<CheckName, JsonObject>>> = {
  missing_fk_index: { min_rows: 0 },
  index_bloat: { min_size_mb: 0 },
  stale_statistics: { min_table_size_mb: 0 },
  stale_advisory_lock: { stale_after_seconds: 0 },
};

async function setup(major: PostgresMajor) {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql(fixture);
  await rig.sql('VACUUM bloated');
  return rig;
}

const find = (rig: TargetRig, check: CheckName, has: string) => findIn(rig, check, has, configs[check]);

async function found(rig: TargetRig, check: CheckName, has: string): Promise<JsonObject> {
  const config = await find(rig, check, has);
  if (config === undefined) throw new Error(`${check} found nothing of ${has}`);
  return config;
}

function planIdOf(plan: Plan | null): string {
  return String(plan?.steps[0]?.data['plan_id']);
}

/** Shows the plan, then does it. */
async function apply(rig: TargetRig, config: JsonObject, options: RigOptions = {}) {
  const { plan } = await rig.plan(findingAction, config);
  const ran = await rig.run(findingAction, { ...config, plan_id: planIdOf(plan) }, options);
  expect(ran.problems).toEqual([]);
  return ran;
}

async function indexesOf(rig: TargetRig, table: string): Promise<string[]> {
  const rows = await rig.sql<{ name: string }>(
    `SELECT indexrelid::regclass || CASE WHEN indisvalid THEN '' ELSE ' invalid' END AS name FROM pg_index
     WHERE indrelid = $1::regclass ORDER BY 1`,
    [table],
  );
  return rows.map(({ name }) => name);
}

const done = (...statements: readonly unknown[]) => [
  {
    outcome: {
      kind: 'done',
      result: {
        finding_id: 'f1',
        statements: statements.map((statement) => ({ statement, duration_ms: expect.any(Number) })),
      },
    },
  },
];

describe.each(majors)('FINDING_ACTION on PostgreSQL %i', (major) => {
  it('does what each finding proposes, so that its check does not find it any more', async () => {
    await using rig = await setup(major);
    const table = `"we""ird; --"."it's"`;
    const cases: readonly [CheckName, string, readonly unknown[]][] = [
      ['redundant_index', 'short', ['DROP INDEX CONCURRENTLY "we""ird; --".short']],
      ['missing_fk_index', 'plain_fk', ['CREATE INDEX CONCURRENTLY plain_ref_idx ON public.plain (ref)']],
      [
        'missing_fk_index',
        'parted_fk',
        [
          'CREATE INDEX parted_ref_idx ON ONLY public.parted (ref)',
          'CREATE INDEX CONCURRENTLY "parted "" 2_ref_idx" ON public."parted "" 2" (ref)',
          'CREATE INDEX CONCURRENTLY parted_1_ref_idx ON public.parted_1 (ref)',
          'ALTER INDEX public.parted_ref_idx ATTACH PARTITION public."parted "" 2_ref_idx"',
          'ALTER INDEX public.parted_ref_idx ATTACH PARTITION public.parted_1_ref_idx',
        ],
      ],
      ['index_bloat', 'bloated_id', ['REINDEX INDEX CONCURRENTLY public.bloated_id']],
      ['invalid_constraint', 'positive', ['ALTER TABLE public.doubtful VALIDATE CONSTRAINT positive']],
      ['stale_statistics', 'stale', [expect.stringMatching(/^ANALYZE (ONLY )?public\.stale$/)]],
    ];
    for (const [check, has, statements] of cases) {
      const { steps } = await apply(rig, await found(rig, check, has));
      expect(steps, has).toMatchObject(done(...statements));
      await expect.poll(() => find(rig, check, has)).toBeUndefined();
    }
    expect(await indexesOf(rig, table)).toEqual(['"we""ird; --".long']);
    expect(await indexesOf(rig, 'parted')).toEqual(['parted_ref_idx']);
    expect(await indexesOf(rig, 'bloated')).toEqual(['bloated_id']);
    expect(await rig.sql(`SELECT pg_relation_size('bloated_id') < 200000 AS small`)).toEqual([{ small: true }]);
  });

  it('ends an idle session, and tells of one that has done something since', async () => {
    await using rig = await setup(major);
    const [holder, active] = [await rig.connect(), await rig.connect()];
    const pids: number[] = [];
    for (const client of [holder, active]) {
      const { rows } = await client.query('SELECT pg_backend_pid() AS pid, pg_advisory_lock(pg_backend_pid())');
      pids.push(rows[0].pid);
    }
    const [held, kept] = await Promise.all(pids.map((pid) => found(rig, 'stale_advisory_lock', `pid ${pid},`)));
    const ended = await apply(rig, held ?? {});
    expect(ended.steps).toMatchObject(
      done(expect.stringMatching(/^SELECT pg_catalog\.pg_terminate_backend\(a\.pid\) /)),
    );
    await expect.poll(() => find(rig, 'stale_advisory_lock', `pid ${pids[0]},`)).toBeUndefined();

    const moved = await apply(rig, kept ?? {}, { beforeSteps: async () => void (await active.query('SELECT 1')) });
    expect(moved.steps).toMatchObject([{ outcome: { kind: 'failed', error: { code: 'nothing_done' } } }]);
    expect((await active.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

describe.each([14, 18] as const)('FINDING_ACTION that is refused or cut short on PostgreSQL %i', (major) => {
  it('does nothing but what was shown, and takes nothing for gone that it cannot see', async () => {
    await using rig = await setup(major);
    const config = await found(rig, 'redundant_index', 'short');
    const other = await rig.run(findingAction, { ...config, plan_id: '0'.repeat(32) });
    expect(other).toMatchObject({ plan: null, problems: [{ pointer: '/plan_id', code: 'plan_changed' }] });
    const unseen = await rig.run(findingAction, config);
    expect(unseen.steps).toMatchObject([{ outcome: { kind: 'skipped', reason: 'no_plan_was_shown' } }]);
    expect(await indexesOf(rig, `"we""ird; --"."it's"`)).toHaveLength(2);
    for (const [change, pointer] of [
      [{ check: 'no_such_check' }, '/check'],
      [{ check_config: { no_such_key: 1 } }, '/check_config'],
    ] as const) {
      expect((await rig.plan(findingAction, { ...config, ...change })).problems).toMatchObject([{ pointer }]);
    }

    const bloated = await found(rig, 'index_bloat', 'bloated_id');
    await rig.sql('DROP EXTENSION pgstattuple');
    const blind = await rig.plan(findingAction, bloated);
    expect(blind.plan).toMatchObject({ steps: [], skipped: [], unknown: [{ object: 'public.bloated_id' }] });

    const { plan } = await rig.plan(findingAction, config);
    await rig.sql('DROP INDEX "we""ird; --".long');
    const gone = await rig.run(findingAction, { ...config, plan_id: planIdOf(plan) });
    expect(gone.plan).toMatchObject({
      steps: [],
      checked: 1,
      skipped: [{ object: config['object'], reason: 'not_found_any_more' }],
    });
  });

  it('waits at the gate no longer than it may, and leaves nothing', async () => {
    await using rig = await setup(major);
    const create = await found(rig, 'missing_fk_index', 'slow_fk');
    const client = await rig.connect({ applicationName: 'somebody' });
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM stale');
    const { steps } = await apply(rig, { ...create, gate_timeout_seconds: 0 });
    const [pid, query] = [expect.any(Number), expect.stringContaining('SELECT FROM stale')];
    const detail = expect.stringMatching(/^xmin \d+ age \d+$/);
    const blockers = [{ pid, user: 'postgres', application_name: 'somebody', detail, query }];
    expect(steps).toMatchObject([
      { outcome: { kind: 'failed', error: { code: 'blocked', detail: { done: [], blockers } } } },
    ]);
    expect(await indexesOf(rig, 'slow')).toEqual([]);

    // Whoever writes to another partition is in nobody's way.
    await client.query('COMMIT; BEGIN; DELETE FROM "parted "" 2"');
    const parted = await apply(rig, {
      ...(await found(rig, 'missing_fk_index', 'parted_fk')),
      gate_timeout_seconds: 0,
    });
    expect(parted.steps).toMatchObject([
      {
        outcome: {
          kind: 'failed',
          error: {
            code: 'blocked',
            detail: {
              done: [{ statement: expect.stringContaining(' ON ONLY ') }],
              statement: expect.stringContaining('parted "" 2_ref_idx'),
              rollback_sql: ['DROP INDEX public.parted_ref_idx'],
            },
          },
        },
      },
    ]);
    await client.query('COMMIT');
  });

  it('leaves no invalid index of a build cut short, and has one that a drop left invalid made valid again', async () => {
    await using rig = await setup(major);
    const cutShort = async (check: CheckName, has: string, how: 'cancel' | 'lose') => {
      const config = await found(rig, check, has);
      const { plan } = await rig.plan(findingAction, config);
      const stop = new AbortController();
      const waits = async (session: TargetSession, blocker: string) => {
        // Begins after the gate, so that the statement runs, and waits for it.
        const client = await rig.connect();
        await client.query(blocker);
        const { pid } = session.identity;
        void expect
          .poll(() => rig.sql('SELECT wait_event_type AS wait FROM pg_stat_activity WHERE pid = $1', [pid]))
          .toEqual([{ wait: 'Lock' }])
          .then(async () => {
            if (how === 'cancel') stop.abort();
            else await rig.sql('SELECT pg_terminate_backend($1)', [pid]);
          });
        return client;
      };
      const executor: typeof findingAction = {
        ...findingAction,
        async runStep(step, run) {
          const execute: TargetSession['execute'] = async (statement, options) => {
            if (!statement.includes(' CONCURRENTLY ')) return await run.session.execute(statement, options);
            const client = await waits(run.session, snapshotOf(check));
            try {
              return await run.session.execute(statement, options);
            } finally {
              await client.query('COMMIT');
            }
          };
          return await findingAction.runStep(step, { ...run, session: { ...run.session, execute } });
        },
      };
      return await rig.run(executor, { ...config, plan_id: planIdOf(plan) }, { signal: stop.signal });
    };

    await expect(cutShort('missing_fk_index', 'slow_fk', 'cancel')).rejects.toMatchObject({ code: 'cancelled' });
    expect(await indexesOf(rig, 'slow')).toEqual([]);
    await expect(cutShort('index_bloat', 'bloated_id', 'cancel')).rejects.toMatchObject({ code: 'cancelled' });
    expect(await indexesOf(rig, 'bloated')).toEqual(['bloated_id']);
    const dropped = await cutShort('redundant_index', 'going_a', 'cancel');
    expect(dropped.steps).toMatchObject([
      {
        outcome: {
          kind: 'failed',
          error: {
            code: 'cancelled',
            message: expect.stringContaining(
              'Left behind: public.going_a (the drop that was cut short left it unusable',
            ),
            detail: { dropped: [], rebuilt: [], left: [{ index: 'public.going_a', reason: expect.any(String) }] },
          },
        },
      },
    ]);
    expect(await indexesOf(rig, 'going')).toEqual(['going_a invalid', 'going_a_b']);
    const [open] = dropped.remnants;
    expect(open).toMatchObject({ proof: { operation: 'drop', index: 'going_a' }, outcome: null });
    const sweeping: typeof findingAction = {
      ...findingAction,
      runStep: async (_, run) => {
        const swept = await findingAction.sweep?.(run.session, { ...open, id: 1 } as Remnant, run);
        return { kind: 'done', result: { ...swept } };
      },
    };
    const next = await rig.run(sweeping, await found(rig, 'missing_fk_index', 'slow_fk'));
    const result = { outcome: 'swept', note: 'made valid again public.going_a' };
    expect(next.steps).toMatchObject([{ outcome: { result } }]);
    expect(await indexesOf(rig, 'going')).toEqual(['going_a', 'going_a_b']);
    await expect(cutShort('redundant_index', 'short', 'lose')).rejects.toMatchObject({
      code: 'session_lost',
      message: expect.stringContaining('left an invalid index behind: "we""ird; --".short'),
    });
  });
});

/** What a statement about a finding of this check waits for after it has begun. */
function snapshotOf(check: CheckName): string {
  const tables = check === 'redundant_index' ? `going, "we""ird; --"."it's"` : 'stale';
  return `BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM ${tables} LIMIT 1`;
}
