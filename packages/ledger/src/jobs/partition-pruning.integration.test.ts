import { expect, inject, it, onTestFinished } from 'vitest';
import { noon, sampleJob, sampleTarget } from '../../../../test/support/ledger-data.ts';
import { createDatabase } from '../../../../test/support/postgres.ts';
import { encodeCursor } from '../cursor.ts';
import { migrateLedger } from '../migrate.ts';
import { openPool } from '../sql.ts';
import { createTargetWriter } from '../targets/target-writer.ts';
import { insertJob } from './insert-job.ts';
import { jobsPage } from './jobs-page.ts';
import { selectJobs } from './select-jobs.ts';

interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Actual Loops': number;
  readonly Plans?: readonly PlanNode[];
}

/** The tables that were really read, not only planned. */
function tablesRead({ 'Relation Name': name, 'Actual Loops': loops, Plans = [] }: PlanNode): string[] {
  return [...(name !== undefined && loops > 0 ? [name] : []), ...Plans.flatMap(tablesRead)];
}

it.each([14, 18] as const)('on PostgreSQL %i a job is read from the partitions of its day alone', async (major) => {
  const { url: databaseUrl, drop } = await createDatabase(inject('targetUrls')[major]);
  onTestFinished(drop);
  await migrateLedger(databaseUrl);
  const sql = openPool({ databaseUrl, applicationName: 'test', maxConnections: 2 });
  onTestFinished(() => sql.end());
  await createTargetWriter(sql).insert(sampleTarget());
  const jobs = [0, 1, 2, 3].map((days) => sampleJob({ scheduledFor: new Date(noon.getTime() + days * 86_400_000) }));
  for (const job of jobs) await sql.begin((tx) => insertJob(tx, job));
  const read = async (page: Parameters<typeof selectJobs>[1]) => {
    const [row] = await sql`EXPLAIN (ANALYZE, FORMAT JSON) ${selectJobs(sql, page)}`;
    const [[{ Plan: plan }]] = Object.values(row as object) as [[{ Plan: PlanNode }]];
    return new Set(tablesRead(plan));
  };

  const { id, scheduledFor } = jobs[1] as (typeof jobs)[0];
  expect(await read(sql`SELECT * FROM jobs WHERE scheduled_for = ${scheduledFor} AND id = ${id}`)).toEqual(
    new Set(['jobs_20261123', 'tasks_20261123', 'steps_20261123']),
  );
  const day = (suffix: string) => [`jobs_${suffix}`, `tasks_${suffix}`, `steps_${suffix}`];
  expect(await read(jobsPage(sql, { limit: 1 }, {}))).toEqual(new Set([...day('20261125'), ...day('20261124')]));
  const cursor = encodeCursor({ at: scheduledFor, id });
  expect(await read(jobsPage(sql, { limit: 10, cursor }, {}))).toEqual(new Set(['jobs_20261123', ...day('20261122')]));
});
