import { createTarget, getJob, previewPlan, startOperation } from '@slacktide/application';
import { Job, OperationInput, Plan, PlanInput } from '@slacktide/contract';
import pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { sampleClaim, sampleContext } from '../../support/ledger-data.ts';
import { createDatabase } from '../../support/postgres.ts';
import { refusalOf, setup, targetInput } from './setup.ts';

const hostile = 't"; drop table orders; --';
const inQuotes = '"t""; drop table orders; --"';

/** A worker, and the target `shop` with the table `orders` and one of a hostile name. */
async function setupShop() {
  const it = await setup();
  const database = await createDatabase(inject('targetUrls')[18]);
  onTestFinished(database.drop);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE "order ""items""" (id int PRIMARY KEY)`);
  await client.end();
  const url = new URL(database.url);
  await it.serveWorker({ SHOP_PASSWORD: url.password });
  url.password = '';
  const target = targetInput({ id: 'shop', connection: url.href, secret_ref: 'env:SHOP_PASSWORD' });
  await createTarget(it.deps, it.ctx, { target, verify: false });
  const start = (body: object, ctx = it.ctx) => startOperation(it.deps, ctx, OperationInput.parse(body));
  return { ...it, start };
}

describe('startOperation', () => {
  it('starts an ad-hoc job on the only target, for tables that exist', async () => {
    const { deps, ctx, start, outbox, audit } = await setupShop();
    const job = await start({
      operation: 'analyze',
      tables: ['orders', '"order ""items"""'],
      options: { max_tables: 2 },
    });
    expect(Job.parse(job)).toEqual(job);
    expect(job).toMatchObject({
      schedule_id: null,
      target_id: 'shop',
      trigger: 'adhoc',
      state: 'PENDING',
      tasks: [{ type: 'STATISTICS_UPDATE', config: { tables: ['orders', '"order ""items"""'], max_tables: 2 } }],
    });
    expect(await getJob(deps, ctx, { id: job.id })).toEqual(job);
    expect(await outbox()).toEqual([{ kind: 'flow.add', jobId: job.id, generation: 1 }]);
    expect((await audit())[0]).toMatchObject({ action: 'job.create', entityId: job.id, after: { trigger: 'adhoc' } });
  });

  it.each([
    ['vacuum', 'MVCC_CLEANUP'],
    ['analyze', 'STATISTICS_UPDATE'],
    ['reindex', 'INDEX_REBUILD'],
    ['checkpoint', 'CHECKPOINT'],
  ])('%s of no tables in particular is accepted by the real %s', async (operation, type) => {
    const { start } = await setupShop();
    expect(await start({ operation, tables: [] })).toMatchObject({ state: 'PENDING', tasks: [{ type }] });
  });

  it.each([
    ['an unknown table', { operation: 'reindex', tables: ['orders', 'nowhere'] }, ['/tables/1 unknown_table']],
    ['a hostile table name', { operation: 'vacuum', tables: [hostile] }, ['/tables/0 invalid_name']],
    ['one in quotes', { operation: 'vacuum', tables: [inQuotes] }, ['/tables/0 unknown_table']],
    ['an unknown target', { operation: 'vacuum', target: 'nowhere' }, ['/target unknown_target']],
    ['an option its task type lacks', { operation: 'vacuum', options: { speed: 1 } }, ['/options/speed unknown_field']],
    ['an option out of range', { operation: 'vacuum', options: { max_tables: 0 } }, ['/options/max_tables too_small']],
    ['tables of a checkpoint', { operation: 'checkpoint', tables: ['orders'] }, ['/tables not_applicable']],
    ['VACUUM FULL of everything', { operation: 'vacuum', options: { full: true } }, ['/tables invalid']],
  ])('refuses %s, names the field and starts nothing', async (_name, body, fields) => {
    const { start, rows } = await setupShop();
    const before = await rows();
    expect(await refusalOf(start(body))).toMatchObject({ code: 'invalid_request', fields });
    expect(await rows()).toEqual(before);
  });

  it('asks which target is meant when there are several, and refuses one that cannot be reached', async () => {
    const { start, registerTarget, rows } = await setupShop();
    await registerTarget('away');
    const before = await rows();
    const unnamed = await refusalOf(start({ operation: 'vacuum' }));
    expect(unnamed).toMatchObject({ code: 'invalid_request', fields: ['/target required'] });
    expect(unnamed.message).toContain('away, shop');
    expect(await refusalOf(start({ operation: 'vacuum', target: 'away' }))).toMatchObject({
      code: 'target_unreachable',
      fields: ['/target secret_unavailable'],
    });
    expect(await rows()).toEqual(before);
  });

  it('starts once for a repeated request', async () => {
    const { start, rows } = await setupShop();
    const ctx = () => sampleContext({ idempotency: sampleClaim('op-1') });
    const body = { operation: 'vacuum', tables: ['orders'] };
    const [first, second] = await Promise.all([start(body, ctx()), start(body, ctx())]);
    expect(second).toEqual(first);
    expect(await start(body, ctx())).toEqual(first);
    expect(await rows()).toMatchObject({ jobs: 1, outbox: 1 });
  });
});

describe('previewPlan', () => {
  it('shows the exact statements of each task and writes nothing', async () => {
    const { deps, ctx, rows } = await setupShop();
    const before = await rows();
    const tasks = [{ type: 'INDEX_REBUILD', config: { tables: ['orders', '"order ""items"""'] } }, 'MVCC_CLEANUP'];
    const plan = await previewPlan(deps, ctx, PlanInput.parse({ target_id: 'shop', tasks }));
    expect(Plan.parse(plan)).toEqual(plan);
    expect(plan.tasks[0]).toMatchObject({
      key: 'index-rebuild',
      steps: [
        { statements: ['REINDEX INDEX CONCURRENTLY public."order ""items""_pkey"'] },
        { statements: ['REINDEX INDEX CONCURRENTLY public.orders_pkey'], lock_mode: 'SHARE UPDATE EXCLUSIVE' },
      ],
      size_bytes: 16_384,
    });
    expect(plan.tasks[1]).toMatchObject({ key: 'mvcc-cleanup', needs: ['index-rebuild'], steps: [] });
    expect(await rows()).toEqual(before);
  });

  it.each([
    [{ tasks: ['COFFEE'] }, ['/tasks/0 unknown_task_type']],
    [{ tasks: ['MVCC_CLEANUP'], target_id: 'nowhere' }, ['/target_id unknown_target']],
    [
      { tasks: ['MVCC_CLEANUP', { type: 'INDEX_REBUILD', config: { tables: [hostile] } }] },
      ['/tasks/1/config/tables/0 invalid_name'],
    ],
  ])('refuses %j', async (changes, fields) => {
    const { deps, ctx } = await setupShop();
    const refusal = await refusalOf(previewPlan(deps, ctx, PlanInput.parse({ target_id: 'shop', ...changes })));
    expect(refusal).toMatchObject({ code: 'invalid_request', fields });
  });
});
