import { AppError } from '@slacktide/application';
import type { AuditEntry, LedgerTransaction } from '@slacktide/application/ports';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { freePort } from '../../../test/support/free-port.ts';
import { freshLedger, lookInto } from '../../../test/support/ledger.ts';
import { sampleClaim, sampleContext, sampleTarget } from '../../../test/support/ledger-data.ts';
import { connectLedger } from './connect.ts';

async function setup({ lockTimeoutMs = 5_000, maxConnections = 5 } = {}) {
  const databaseUrl = await freshLedger();
  const connection = connectLedger({ databaseUrl, applicationName: 'test', maxConnections, lockTimeoutMs });
  onTestFinished(() => connection.close());
  const sql = lookInto(databaseUrl);
  const counts = async () => {
    const [row] = await sql`SELECT (SELECT count(*)::int FROM targets) AS targets,
      (SELECT count(*)::int FROM audit_events) AS audit, (SELECT count(*)::int FROM outbox) AS outbox,
      (SELECT count(*)::int FROM idempotency_keys) AS keys`;
    return { ...row };
  };
  return { ledger: connection.ledger, sql, counts };
}

const created: AuditEntry = { action: 'target.create', entity: 'target', entityId: 'shop', after: { name: 'Shop' } };

async function insertShop(tx: LedgerTransaction) {
  await tx.targets.insert(sampleTarget());
  await tx.outbox.add({ kind: 'schedule.sync', scheduleId: 'nightly' });
  return { result: { id: 'shop' }, audit: [created] as const };
}

describe('transaction', () => {
  it('writes rows, outbox and one audit event for each entry, with actor and trace', async () => {
    const { ledger, counts } = await setup();
    const ctx = sampleContext();
    const second: AuditEntry = { action: 'target.test', entity: 'target', entityId: 'shop', reason: 'because' };
    const result = await ledger.transaction(ctx, async (tx) => ({
      ...(await insertShop(tx)),
      audit: [created, second],
    }));
    expect(result).toEqual({ id: 'shop' });
    expect(await counts()).toEqual({ targets: 1, audit: 2, outbox: 1, keys: 0 });
    const { items } = await ledger.audit.list({ limit: 10 });
    const common = { actor: 'api_key:tester', entity: 'target', entityId: 'shop', traceId: ctx.traceId, before: null };
    expect(items).toMatchObject([
      { ...common, action: 'target.test', reason: 'because', after: null },
      { ...common, action: 'target.create', reason: null, after: { name: 'Shop' } },
    ]);
  });

  it('leaves nothing of work that rejects, and passes its error on', async () => {
    const { ledger, counts } = await setup();
    const refusal = new AppError('conflict', 'no');
    const work = ledger.transaction(sampleContext({ idempotency: sampleClaim('k') }), async (tx) => {
      await insertShop(tx);
      throw refusal;
    });
    await expect(work).rejects.toBe(refusal);
    expect(await counts()).toEqual({ targets: 0, audit: 0, outbox: 0, keys: 0 });
  });

  it('reads one clock, which stands still in a transaction', async () => {
    const { ledger, sql } = await setup();
    const seen: Date[] = [];
    await ledger.transaction(sampleContext(), async (tx) => {
      seen.push(await tx.now(), await tx.now());
      return { result: null, audit: [created] };
    });
    expect(seen[1]).toEqual(seen[0]);
    const [row] = await sql<[{ isPast: boolean }]>`SELECT ${seen[0] as Date} <= now() AS "isPast"`;
    expect(row.isPast).toBe(true);
  });
});

describe('idempotency', () => {
  it('two at once have one effect and the same result', async () => {
    const { ledger, counts } = await setup();
    const ctx = () => sampleContext({ idempotency: sampleClaim('k') });
    const work = vi.fn(insertShop);
    const results = await Promise.all([1, 2, 3, 4].map(() => ledger.transaction(ctx(), work)));
    expect(results).toEqual(Array(4).fill({ id: 'shop' }));
    expect(work).toHaveBeenCalledOnce();
    expect(await counts()).toEqual({ targets: 1, audit: 1, outbox: 1, keys: 1 });
  });

  it('when the first of two fails, the second does the work', async () => {
    const { ledger, counts } = await setup();
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const first = ledger.transaction(sampleContext({ idempotency: sampleClaim('k') }), async () => {
      started.resolve();
      await release.promise;
      throw new AppError('conflict', 'no');
    });
    await started.promise;
    const second = ledger.transaction(sampleContext({ idempotency: sampleClaim('k') }), insertShop);
    release.resolve();
    await expect(first).rejects.toThrow('no');
    expect(await second).toEqual({ id: 'shop' });
    expect(await counts()).toMatchObject({ targets: 1, keys: 1 });
  });

  it('refuses the key for another request, but not for another principal or route', async () => {
    const { ledger } = await setup();
    const claim = sampleClaim('k');
    const audit = [created] as const;
    const ask = (changes: Partial<typeof claim>, result: string) =>
      ledger.transaction(sampleContext({ idempotency: { ...claim, ...changes } }), async () => ({ result, audit }));
    expect(await ask({}, 'first')).toBe('first');
    await expect(ask({ requestHash: 'another' }, 'second')).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    expect(await ask({ principal: 'api_key:other' }, 'third')).toBe('third');
    expect(await ask({ route: 'POST /targets' }, 'fourth')).toBe('fourth');
    expect(await ask({}, 'fifth')).toBe('first');
  });

  it('keeps any JSON result', async () => {
    const { ledger } = await setup();
    for (const [position, result] of ['text', 7, null, true, [1, 'a'], { deep: { list: [] } }].entries()) {
      const ctx = sampleContext({ idempotency: sampleClaim(`k${position}`) });
      await ledger.transaction(ctx, async () => ({ result, audit: [created] }));
      const repeat = await ledger.transaction(ctx, async () => ({ result: 'another', audit: [created] }));
      expect(repeat).toEqual(result);
    }
  });

  it('repeats the first result byte for byte, its keys in their order', async () => {
    const { ledger } = await setup();
    const result = { zebra: 1, id: 'x', b: { z: 1e21, a: 0.1 }, a: [{ second: 2, first: 'ü \u2028 "\\' }], empty: {} };
    const ctx = sampleContext({ idempotency: sampleClaim('k') });
    await ledger.transaction(ctx, async () => ({ result, audit: [created] }));
    const repeat = await ledger.transaction(ctx, async () => ({ result: {}, audit: [created] }));
    expect(JSON.stringify(repeat)).toBe(JSON.stringify(result));
  });

  it('replaces a key whose 24 hours are over', async () => {
    const { ledger, sql } = await setup();
    const ctx = sampleContext({ idempotency: sampleClaim('k') });
    await ledger.transaction(ctx, async () => ({ result: 'old', audit: [created] }));
    const [key] = await sql`SELECT expires_at - now() > interval '23 hours 59 minutes' AS fresh FROM idempotency_keys`;
    expect(key).toEqual({ fresh: true });
    await sql`UPDATE idempotency_keys SET expires_at = now() - interval '1 second'`;
    const other = { ...ctx, idempotency: sampleClaim('k', 'another body') };
    expect(await ledger.transaction(other, async () => ({ result: 'new', audit: [created] }))).toBe('new');
    await expect(ledger.transaction(ctx, async () => ({ result: 'old', audit: [created] }))).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
  });

  it('tells a caller whose first request takes too long that it is in flight', async () => {
    const { ledger } = await setup({ lockTimeoutMs: 50 });
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const first = ledger.transaction(sampleContext({ idempotency: sampleClaim('k') }), async () => {
      started.resolve();
      await release.promise;
      return { result: 'done', audit: [created] };
    });
    await started.promise;
    const second = ledger.transaction(sampleContext({ idempotency: sampleClaim('k') }), insertShop);
    await expect(second).rejects.toMatchObject({ code: 'request_in_flight' });
    release.resolve();
    expect(await first).toBe('done');
  });
});

describe('a ledger that is away', () => {
  it('is ledger_unavailable for reads and transactions', async () => {
    const databaseUrl = `postgresql://postgres:secret@127.0.0.1:${await freePort()}/ledger`;
    const { ledger, outbox, close } = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 1 });
    onTestFinished(() => close());
    for (const call of [
      ledger.transaction(sampleContext(), insertShop),
      ledger.now(),
      ledger.jobs.list({ limit: 1 }),
      outbox.backlog(),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 'ledger_unavailable', message: 'the ledger is not available' });
    }
  });

  it('that goes away under a transaction takes all of it along, and serves again when it is back', async () => {
    const { ledger, sql, counts } = await setup({ maxConnections: 1 });
    const work = ledger.transaction(sampleContext(), async (tx) => {
      await insertShop(tx);
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'test' AND datname = current_database()`;
      // By now the pool's only connection is another session: what is left of the work must not go on there.
      await vi.waitFor(() => ledger.now(), { timeout: 20_000 });
      return insertShop(tx);
    });
    await expect(work).rejects.toMatchObject({ code: 'ledger_unavailable' });
    expect(await counts()).toEqual({ targets: 0, audit: 0, outbox: 0, keys: 0 });
    expect(await ledger.transaction(sampleContext(), insertShop)).toEqual({ id: 'shop' });
  });

  it('that goes away under a statement is ledger_unavailable', async () => {
    const { ledger, sql, counts } = await setup();
    const locker = await sql.reserve();
    await locker`BEGIN`;
    await locker`LOCK TABLE targets`;
    const work = ledger.transaction(sampleContext(), insertShop);
    const refused = expect(work).rejects.toMatchObject({ code: 'ledger_unavailable' });
    await vi.waitFor(
      async () => {
        const ended = await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'test' AND wait_event_type = 'Lock' AND datname = current_database()`;
        expect(ended.length).toBe(1);
      },
      { timeout: 20_000 },
    );
    await refused;
    await locker`ROLLBACK`;
    locker.release();
    expect(await counts()).toMatchObject({ targets: 0 });
    expect(await ledger.transaction(sampleContext(), insertShop)).toEqual({ id: 'shop' });
  });
});
