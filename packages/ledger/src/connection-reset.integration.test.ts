import type { AuditEntry } from '@slacktide/application/ports';
import { expect, it, onTestFinished } from 'vitest';
import { freshLedger, lookInto } from '../../../test/support/ledger.ts';
import { sampleContext, sampleTarget } from '../../../test/support/ledger-data.ts';
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts';
import { connectLedger } from './connect.ts';

const audit: readonly [AuditEntry] = [{ action: 'target.create', entity: 'target', entityId: 'shop' }];

// The ROLLBACK that could not be sent any more must not wait for its answer on the connection made next.
it('a connection that is reset amid a transaction fails it, and the next ones work', async () => {
  const databaseUrl = await freshLedger();
  const direct = new URL(databaseUrl);
  const proxy = await startTcpProxy(Number(direct.port));
  const through = new URL(databaseUrl);
  through.port = String(proxy.port);
  const { ledger, close } = connectLedger({ databaseUrl: through.href, applicationName: 'test', maxConnections: 1 });
  onTestFinished(close);
  const sql = lookInto(databaseUrl);

  for (const id of ['first', 'second', 'third']) {
    const broken = ledger.transaction(sampleContext(), async (tx) => {
      await tx.targets.insert(sampleTarget({ id }));
      proxy.reset();
      await tx.now();
      return { result: null, audit };
    });
    await expect(broken).rejects.toMatchObject({ code: 'ledger_unavailable' });
    await ledger.transaction(sampleContext(), async (tx) => {
      await tx.targets.insert(sampleTarget({ id: `${id}-again` }));
      return { result: null, audit };
    });
  }
  const kept = await sql`SELECT id FROM targets ORDER BY id`;
  expect(kept.map((row) => row['id'])).toEqual(['first-again', 'second-again', 'third-again']);
});
