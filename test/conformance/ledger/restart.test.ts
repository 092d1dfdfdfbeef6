import { join } from 'node:path';
import type { AuditEntry } from '@slacktide/application/ports';
import { connectLedger, migrateLedger } from '@slacktide/ledger';
import {
  embeddedPostgres,
  freePort,
  reachableInstallation,
  type ServerProcess,
  serverAccount,
  startPostgresServer,
} from '@slacktide/local';
import { expect, it, onTestFinished, vi } from 'vitest';
import { makeClusterDir } from '../../support/cluster-dir.ts';
import { sampleContext } from '../../support/ledger-data.ts';

const audit: readonly [AuditEntry] = [{ action: 'schedule.change', entity: 'schedule', entityId: 'nightly' }];

/** A PostgreSQL whose data outlive its restarts; the last server to run takes them along. */
async function restartablePostgres() {
  const account = serverAccount();
  const dir = makeClusterDir(account, 'restart');
  const port = await freePort();
  const start = (isLast: boolean): Promise<ServerProcess> =>
    startPostgresServer({
      installation: reachableInstallation(embeddedPostgres(18, import.meta.url), account, dir),
      account,
      dataDir: join(dir, 'data'),
      port,
      superuserPassword: 'postgres',
      logFile: join(dir, 'postgres.log'),
      settings: { fsync: 'off' },
      ...(isLast ? { temporaryDir: dir } : {}),
    });
  return { databaseUrl: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`, start };
}

it('a ledger that restarts under load loses nothing it promised, and everybody finds it again', async () => {
  const { databaseUrl, start } = await restartablePostgres();
  const first = await start(false);
  onTestFinished(() => first.stop());
  await migrateLedger(databaseUrl);
  const { ledger, outbox, close } = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 4 });
  onTestFinished(close);
  const wake = vi.fn();
  await outbox.subscribe(wake);

  let promised = 0;
  const faults: unknown[] = [];
  let isOver = false;
  const ask = async (): Promise<void> => {
    while (!isOver) {
      try {
        await ledger.transaction(sampleContext(), async (tx) => {
          await tx.outbox.add({ kind: 'schedule.sync', scheduleId: 'nightly' });
          return { result: null, audit };
        });
        promised += 1;
      } catch (error) {
        faults.push(error);
      }
    }
  };
  const askers = [ask(), ask(), ask()];
  await vi.waitFor(() => expect(promised).toBeGreaterThan(20), { timeout: 20_000 });
  await first.stop();
  await vi.waitFor(() => expect(faults.length).toBeGreaterThan(3), { timeout: 20_000 });
  const before = promised;
  wake.mockClear();

  const second = await start(true);
  onTestFinished(() => second.stop());
  await vi.waitFor(() => expect(promised).toBeGreaterThan(before + 20), { timeout: 20_000 });
  await vi.waitFor(() => expect(wake).toHaveBeenCalled(), { timeout: 20_000 });
  isOver = true;
  await Promise.all(askers);
  for (const fault of faults) expect(fault).toMatchObject({ code: 'ledger_unavailable' });
  const { waiting } = await outbox.backlog();
  // A commit whose answer was lost may stand besides those promised, one an asker.
  expect(waiting).toBeGreaterThanOrEqual(promised);
  expect(waiting).toBeLessThanOrEqual(promised + askers.length);
});
