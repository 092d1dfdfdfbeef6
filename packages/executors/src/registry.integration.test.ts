import type { Plan, PlannedStep } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import fc from 'fast-check';
import { parse } from 'libpg-query';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../test/support/postgres.ts';
import { openRig, type TargetRig } from '../test/target-rig.ts';
import { executors } from './registry.ts';

/** Names that break what quotes by hand; 63 bytes is the longest. */
const hostileNames = [
  't"; DROP TABLE x; --',
  "it's",
  'a.b',
  '"quoted"',
  '""',
  'select',
  'Ünïcödé 表',
  '{curly} $1 %I \\ ?',
  'new\nline\ttab',
  '$$ LANGUAGE plpgsql',
  'x'.repeat(63),
  '"'.repeat(63),
];

/** Reproducible; whatever a client may send that PostgreSQL takes for a name. */
const randomNames = fc
  .sample(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), { seed: 20261122, numRuns: 40 })
  .filter((name) => !name.includes('\0') && Buffer.byteLength(name) <= 63);
const names = [...new Set([...hostileNames, ...randomNames])];
const inQuotes = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Configurations that make an executor plan as much as it can; `{}` is tried for every one. */
const configs: Readonly<Record<string, readonly JsonObject[]>> = {
  INDEX_REBUILD: [{ bloat_threshold: 0, min_size_mb: 0, max_indexes: 1000 }, { tables: names.map(inQuotes) }],
  STATISTICS_UPDATE: [{ max_tables: 1000 }, { tables: names.map(inQuotes) }],
  MVCC_CLEANUP: [
    { max_tables: 1000, dead_rows: 0, dead_percent: 0 },
    { tables: names.map(inQuotes), full: true },
  ],
  CHECKPOINT: [{ force: true }],
  METRICS_COLLECTION: [{ min_measured_mb: 0 }],
};

/** Their steps look, each with statements of its own, or work on our own records. */
const stepsThatLook = new Set(['DATABASE_CHECK', 'POSTGRES_CARE', 'AUDIT_LOG_FLUSH', 'QUERY_ASSESSMENT']);
/** What they are to work on has to be said: their defaults are refused. */
const refusedByDefault: Readonly<Record<string, JsonObject>> = {
  FINDING_ACTION: { pointer: '/check' },
  INDEX_CREATE: { pointer: '/table' },
  ROLLBACK: { pointer: '/job_id' },
  INDEX_WATCH: { pointer: '/watch_id' },
  CUSTOM: { pointer: '', code: 'custom_tasks_off' },
};

describe.each(majors)('every executor on PostgreSQL %i', (major) => {
  it('plans exact single statements about the objects it names, and nothing that JSON cannot carry', async () => {
    await using rig = await setup(major);
    const planned: Record<string, number> = {};
    for (const executor of executors) {
      const { type } = executor.taskType;
      for (const config of [{}, ...(configs[type] ?? [])]) {
        const { plan, problems } = await rig.plan(executor, config);
        const refused = refusedByDefault[type];
        expect(problems.slice(0, 1), type).toMatchObject(refused === undefined ? [] : [refused]);
        if (refused !== undefined) continue;
        if (plan === null) throw new Error(`${type} made no plan`);
        if (type in configs) planned[type] = Math.max(plan.steps.length, planned[type] ?? 0);
        expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
        expect(new Set(plan.steps.map(({ key }) => key)).size).toBe(plan.steps.length);
        if (stepsThatLook.has(type)) expect(plan.steps.flatMap(({ statements }) => statements)).toEqual([]);
        else if (type in configs) await everyStatementIsWhatItSeems(plan);
        else await everyStatementIsOne(plan);
      }
    }
    // Each table has rows never analyzed, dead rows, and the index of its primary key.
    expect(planned).toEqual({
      INDEX_REBUILD: names.length,
      STATISTICS_UPDATE: names.length,
      MVCC_CLEANUP: names.length,
      CHECKPOINT: 1,
      METRICS_COLLECTION: 4 + 2 * names.length,
    });
  });

  it('takes a text for the table of exactly that name, or refuses it', async () => {
    await using rig = await setup(major);
    for (const executor of executors.filter(
      ({ taskType }) => taskType.type in configs && 'tables' in taskType.config.parse({}),
    )) {
      const { plan } = await rig.plan(executor, { tables: names.map(inQuotes) });
      const tables = new Set(plan?.steps.map(tableOf));
      expect(tables).toEqual(new Set(names));
      const unknown = await rig.plan(executor, { tables: names.map((name) => inQuotes(`${name}'; --`)) });
      expect(unknown.problems).toMatchObject(names.map((_, i) => ({ pointer: `/tables/${i}`, code: 'unknown_table' })));
    }
  });
});

async function setup(major: (typeof majors)[number]): Promise<TargetRig> {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql('CREATE EXTENSION pgstattuple');
  const client = await rig.connect();
  for (const [i, name] of names.entries()) {
    const quoted = client.escapeIdentifier(name);
    await client.query(
      `CREATE TABLE ${quoted} (id int CONSTRAINT "${i}; --" PRIMARY KEY) WITH (autovacuum_enabled = off)`,
    );
    await client.query(`INSERT INTO ${quoted} SELECT generate_series(1, 20)`);
    await client.query(`DELETE FROM ${quoted} WHERE id > 10`);
  }
  await client.end();
  await rig.counters(client.escapeIdentifier(names.at(-1) ?? ''), { n_dead_tup: 10 });
  return rig;
}

/** The step's own table; an index rebuild names it in its data. */
function tableOf(step: PlannedStep): string {
  if (step.object.kind === 'table') return step.object.name;
  const index = /^(\d+); --$/.exec(step.object.name)?.[1];
  return names[Number(index)] ?? step.object.name;
}

interface Relation {
  readonly schemaname?: string | undefined;
  readonly relname?: string | undefined;
}

async function everyStatementIsOne(plan: Plan): Promise<void> {
  for (const statement of plan.steps.flatMap(({ statements }) => statements)) {
    const { stmts = [] } = await parse(statement);
    expect(stmts, statement).toHaveLength(1);
  }
}

async function everyStatementIsWhatItSeems(plan: Plan): Promise<void> {
  for (const { object, statements } of plan.steps) {
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements) {
      const { stmts = [] } = await parse(statement);
      expect(stmts, statement).toHaveLength(1);
      const relation = relationOf((stmts[0]?.stmt ?? {}) as Record<string, unknown>);
      if (relation !== null) {
        expect({ schema: relation.schemaname, name: relation.relname }).toEqual({
          schema: object.schema,
          name: object.name,
        });
      }
    }
  }
}

/** The relation a statement is about; null for statements that name none. Any other kind of statement is a surprise. */
function relationOf(statement: Record<string, unknown>): Relation | null {
  const [[kind, node]] = Object.entries(statement) as [[string, Record<string, unknown>]];
  switch (kind) {
    case 'VacuumStmt': {
      const rels = node['rels'] as readonly { VacuumRelation: { relation: Relation } }[];
      expect(rels).toHaveLength(1);
      return rels[0]?.VacuumRelation.relation ?? {};
    }
    case 'ReindexStmt':
      return node['relation'] as Relation;
    case 'CheckPointStmt':
    case 'SelectStmt':
      return null;
    default:
      throw new Error(`expected VACUUM, ANALYZE, REINDEX, CHECKPOINT or SELECT, got ${kind}`);
  }
}
