import { expect, it } from 'vitest';
import { scheduleBody } from './support/sample-bodies.ts';
import { type Api, startApi } from './support/start-api.ts';
import { registerUnseen } from './support/target.ts';

async function setup() {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  await api.call('POST /schedules', { json: scheduleBody({ target_ids: ['shop'] }) });
  const { body } = await api.call('POST /schedules/nightly/run');
  const jobId: string = body.jobs[0].id;
  return { ...api, jobId };
}

const finish = ({ sql }: Pick<Api, 'sql'>) =>
  sql`UPDATE jobs SET state = 'SUCCEEDED', started_at = now(), finished_at = now()`;

/** A rollback point as INDEX_OPTIMIZE leaves it. */
async function seedPoint({ sql }: Pick<Api, 'sql'>, jobId: string, state = 'armed', minute = 0): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    INSERT INTO rollback_points (target_id, job_id, task_id, object, summary, statements, state, created_at, used_by_job_id)
    VALUES ('shop', ${jobId}, ${jobId}, 'public.i', 'index public.i', ARRAY['CREATE INDEX CONCURRENTLY i ON public.t (a)'], ${state},
      '2026-11-22T02:00:00Z'::timestamptz + make_interval(mins => ${minute}), ${state === 'used' ? jobId : null}) RETURNING id`;
  return row?.id ?? '';
}

it('lists how to take back what a job did, the newest first, also when the job is gone from history', async () => {
  const api = await setup();
  const { call, jobId } = api;
  expect(await call(`GET /jobs/${jobId}/rollback-points`)).toMatchObject({
    status: 200,
    body: { job_id: jobId, items: [] },
  });
  const ids = [await seedPoint(api, jobId, 'used'), await seedPoint(api, jobId, 'armed', 1)];
  const listed = await call(`GET /jobs/${jobId}/rollback-points`);
  expect(listed.body.items).toMatchObject([
    {
      id: ids[1],
      state: 'armed',
      object: 'public.i',
      statements: [expect.stringContaining('CREATE INDEX')],
      used_by_job_id: null,
    },
    { id: ids[0], state: 'used', used_by_job_id: jobId },
  ]);
  await api.sql`DELETE FROM tasks`;
  await api.sql`DELETE FROM jobs`;
  expect((await call(`GET /jobs/${jobId}/rollback-points`)).body.items).toHaveLength(2);
  expect(await call(`POST /jobs/${jobId}/rollback`)).toMatchObject({ status: 202, body: { target_id: 'shop' } });
  expect((await call('GET /jobs/01a2013a-7cce-7c3f-87e0-7dfe651239cd/rollback-points')).status).toBe(404);
  expect((await call('GET /jobs/nothing/rollback-points')).status).toBe(404);
});

it('takes back what a job did, by a job of its own that names the job and no statement', async () => {
  const api = await setup();
  const { call, jobId, sql } = api;
  await finish(api);
  await seedPoint(api, jobId);
  const answer = await call(`POST /jobs/${jobId}/rollback`, { key: api.keys.admin });
  expect(answer).toMatchObject({
    status: 202,
    body: {
      target_id: 'shop',
      trigger: 'adhoc',
      state: 'PENDING',
      tasks: [{ type: 'ROLLBACK', config: { job_id: jobId, points: [] } }],
    },
  });
  expect(answer.headers.get('location')).toBe(`/api/v1/maintenance/jobs/${answer.body.id}`);
  const waiting = await sql`SELECT message->>'jobId' AS id FROM outbox WHERE message->>'jobId' = ${answer.body.id}`;
  expect(waiting).toHaveLength(1);
  const { body: audit } = await call(`GET /audit?entity=job&entity_id=${answer.body.id}`);
  expect(audit.items).toMatchObject([{ action: 'job.create' }]);
});

it('repeats the first answer under the same key, though nothing is left to take back by then', async () => {
  const api = await setup();
  await finish(api);
  await seedPoint(api, api.jobId);
  const headers = { 'idempotency-key': 'once' };
  const first = await api.call(`POST /jobs/${api.jobId}/rollback`, { headers });
  await api.sql`UPDATE rollback_points SET state = 'used', used_by_job_id = ${api.jobId}`;
  const again = await api.call(`POST /jobs/${api.jobId}/rollback`, { headers });
  expect([again.status, again.body.id]).toEqual([202, first.body.id]);
  expect(await api.sql`SELECT id FROM tasks WHERE type = 'ROLLBACK'`).toHaveLength(1);
});

it('is refused while the job runs, and where there is nothing to take back', async () => {
  const api = await setup();
  const { call, jobId, keys } = api;
  const rollback = () => call(`POST /jobs/${jobId}/rollback`);
  const refused = (detail: string) => ({
    status: 409,
    body: { code: 'conflict', detail: expect.stringContaining(detail) },
  });
  await seedPoint(api, jobId);
  expect(await rollback()).toMatchObject(refused('not over'));
  await finish(api);
  expect((await call(`POST /jobs/${jobId}/rollback`, { key: keys.write })).status).toBe(403);
  await api.sql`UPDATE rollback_points SET state = 'void'`;
  expect(await rollback()).toMatchObject(refused('never done'));
  await api.sql`DELETE FROM rollback_points`;
  expect(await rollback()).toMatchObject(refused('no rollback point'));
  expect((await call('POST /jobs/01a2013a-7cce-7c3f-87e0-7dfe651239cd/rollback')).status).toBe(404);
  expect(await api.sql`SELECT id FROM tasks WHERE type = 'ROLLBACK'`).toEqual([]);
});

it('is nothing that a schedule or a plan may name', async () => {
  const { call } = await setup();
  for (const type of ['ROLLBACK', 'INDEX_WATCH']) {
    expect(await call('POST /plans', { json: { target_id: 'shop', tasks: [type] } })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/tasks/0', code: 'not_schedulable' }] },
    });
  }
});
