import {
  createSchedule,
  createTarget,
  deleteTarget,
  getTarget,
  listTargets,
  replaceTarget,
  testTarget,
} from '@slacktide/application';
import { Target, TargetTest } from '@slacktide/contract';
import { describe, expect, inject, it } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { sampleClaim, sampleContext } from '../../support/ledger-data.ts';
import { refusalOf, scheduleInput, setup, targetInput } from './setup.ts';

/** The shared PostgreSQL 18 for targets, without its password, which the worker has in SHOP_PASSWORD. */
function reachable() {
  const url = new URL(inject('targetUrls')[18]);
  const { password } = url;
  url.password = '';
  return { connection: url.href, env: { SHOP_PASSWORD: password, WRONG: 'wrong' }, secret_ref: 'env:SHOP_PASSWORD' };
}

describe('createTarget', () => {
  it('registers a target that a worker can reach, without its password', async () => {
    const { deps, ctx, audit, serveWorker } = await setup();
    const { connection, env, secret_ref } = reachable();
    await serveWorker(env);
    const target = targetInput({ id: 'shop', connection, secret_ref, labels: { env: 'prod' } });
    const created = await createTarget(deps, ctx, { target, verify: true });
    expect(Target.parse(created)).toEqual(created);
    expect(created).toMatchObject({ id: 'shop', connection, secret_ref, labels: { env: 'prod' }, version: 1 });
    expect(await getTarget(deps, ctx, { id: 'shop' })).toEqual(created);
    expect((await audit())[0]).toMatchObject({ action: 'target.create', before: null, after: created });
  });

  it.each([
    [
      'a port nobody listens on',
      async () => ({ connection: `postgresql://postgres@127.0.0.1:${await freePort()}/shop` }),
      '/connection unreachable',
    ],
    ['a secret the worker lacks', async () => ({ secret_ref: 'env:MISSING' }), '/secret_ref secret_unavailable'],
    ['a wrong password', async () => ({ secret_ref: 'env:WRONG' }), '/secret_ref authentication_failed'],
  ])('refuses %s and writes nothing', async (_name, changes, field) => {
    const { deps, ctx, rows, serveWorker } = await setup();
    const { connection, env, secret_ref } = reachable();
    await serveWorker(env);
    const before = await rows();
    const target = targetInput({ connection, secret_ref, ...(await changes()) });
    const refusal = await refusalOf(createTarget(deps, ctx, { target, verify: true }));
    expect(refusal).toMatchObject({ code: 'target_unreachable', fields: [field] });
    expect(await rows()).toEqual(before);
  });

  it('says so when no worker answers, and registers unseen when told to', async () => {
    const { deps, ctx, rows } = await setup();
    const before = await rows();
    const impatient = { ...deps, inquiryTimeoutMs: 50 };
    const work = createTarget(impatient, ctx, { target: targetInput(), verify: true });
    expect(await refusalOf(work)).toMatchObject({ code: 'no_worker' });
    expect(await rows()).toEqual(before);
    const unseen = await createTarget(impatient, ctx, { target: targetInput(), verify: false });
    expect(unseen.id).toMatch(/^[0-9a-f]{8}-/);
  });

  it('answers a repeat with the first result, even when the target can no longer be asked', async () => {
    const { deps, rows, serveWorker } = await setup();
    const { connection, env, secret_ref } = reachable();
    await serveWorker(env);
    const ctx = () => sampleContext({ idempotency: sampleClaim('t1') });
    const target = targetInput({ connection, secret_ref });
    const first = await createTarget(deps, ctx(), { target, verify: true });
    const before = await rows();
    const unanswered = { ask: () => Promise.reject(new Error('must not be asked')) };
    expect(await createTarget({ ...deps, inquiries: unanswered }, ctx(), { target, verify: true })).toEqual(first);
    expect(await rows()).toEqual(before);
  });
});

describe('replaceTarget', () => {
  it('looks at the new address before it writes', async () => {
    const { deps, ctx, rows, serveWorker, registerTarget } = await setup();
    const { connection, env, secret_ref } = reachable();
    await serveWorker(env);
    await registerTarget('shop');
    const before = await rows();
    const replace = (changes: object, expectedVersion = 1) =>
      replaceTarget(deps, ctx, {
        id: 'shop',
        expectedVersion,
        target: targetInput({ connection, secret_ref, ...changes }),
        verify: true,
      });
    expect(await refusalOf(replace({ secret_ref: 'env:WRONG' }))).toMatchObject({ code: 'target_unreachable' });
    expect(await refusalOf(replace({}, 5))).toMatchObject({ code: 'precondition_failed' });
    expect(await refusalOf(replace({ id: 'other' }))).toMatchObject({ fields: ['/id immutable'] });
    expect(await rows()).toEqual(before);
    expect(await replace({ name: 'New' })).toMatchObject({ id: 'shop', name: 'New', connection, version: 2 });
  });
});

describe('deleteTarget', () => {
  it('refuses while a schedule names it', async () => {
    const { deps, ctx, registerTarget, rows } = await setup();
    await registerTarget('shop');
    await registerTarget('free');
    await createSchedule(deps, ctx, scheduleInput({ id: 'n' }));
    const before = await rows();
    const remove = (id: string, expectedVersion = 1) => deleteTarget(deps, ctx, { id, expectedVersion });
    expect(await refusalOf(remove('shop'))).toMatchObject({ code: 'conflict' });
    expect(await refusalOf(remove('free', 2))).toMatchObject({ code: 'precondition_failed' });
    expect(await refusalOf(remove('nowhere'))).toMatchObject({ code: 'not_found' });
    expect(await rows()).toEqual(before);
    expect(await remove('free')).toBeNull();
    expect((await listTargets(deps, ctx, { limit: 9 })).items.map(({ id }) => id)).toEqual(['shop']);
  });
});

describe('listTargets', () => {
  it('selects by labels', async () => {
    const { deps, ctx, registerTarget } = await setup();
    await registerTarget('a', { env: 'prod', team: 'x' });
    await registerTarget('b', { env: 'prod' });
    const idsOf = async (label?: Record<string, string>) =>
      (await listTargets(deps, ctx, { limit: 9, label })).items.map(({ id }) => id);
    expect(await idsOf()).toEqual(['b', 'a']);
    expect(await idsOf({ env: 'prod', team: 'x' })).toEqual(['a']);
  });
});

describe('testTarget', () => {
  it('tells what the worker saw', async () => {
    const { deps, ctx, serveWorker, registerTarget } = await setup();
    const { connection, env, secret_ref } = reachable();
    await serveWorker(env);
    await registerTarget('away');
    await createTarget(deps, ctx, { target: targetInput({ id: 'shop', connection, secret_ref }), verify: false });
    const seen = await testTarget(deps, ctx, { id: 'shop' });
    expect(TargetTest.parse(seen)).toEqual(seen);
    expect(seen).toMatchObject({ target_id: 'shop', database: 'postgres', role: 'postgres', in_recovery: false });
    expect(seen.server_version).toMatch(/^18/);
    expect(await refusalOf(testTarget(deps, ctx, { id: 'away' }))).toMatchObject({ code: 'target_unreachable' });
    expect(await refusalOf(testTarget(deps, ctx, { id: 'nowhere' }))).toMatchObject({ code: 'not_found' });
  });
});
