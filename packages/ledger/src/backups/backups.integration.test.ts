import { randomBytes } from 'node:crypto';
import type { RegisteredBackup } from '@slacktide/application/ports';
import { type BackupKind, timeOrderedId } from '@slacktide/domain';
import { expect, it } from 'vitest';
import { executionsSetup } from '../../../../test/support/executions.ts';
import { noon, sampleContext } from '../../../../test/support/ledger-data.ts';

async function setup() {
  const base = await executionsSetup();
  const { ledger, connection } = base;
  const add = async (kind: BackupKind, hour: number, targetId = 'shop'): Promise<RegisteredBackup> => {
    const takenAt = new Date(noon.getTime() + hour * 3_600_000);
    const backup: RegisteredBackup = {
      id: timeOrderedId(noon, randomBytes(16)),
      targetId,
      label: `${kind} ${hour}`,
      kind,
      takenAt,
      sizeBytes: 2 ** 40 + 1,
      location: '/backups/x',
      checksum: null,
      registeredAt: noon,
      registeredBy: 'cron',
    };
    await ledger.transaction(sampleContext(), async (tx) => {
      await tx.backups.insert(backup);
      return { result: null, audit: [{ action: 'backup.register', entity: 'backup', entityId: backup.id }] };
    });
    return backup;
  };
  const remove = (id: string, at = noon): Promise<boolean> =>
    ledger.transaction(sampleContext(), async (tx) => ({
      result: await tx.backups.delete(id, at),
      audit: [{ action: 'backup.delete', entity: 'backup', entityId: id }],
    }));
  const remembered = async () => (await connection.observations.memoryOf('shop').backups()).map(({ label }) => label);
  return { ...base, add, remove, remembered };
}

it('gives back what was registered, until it is deleted', async () => {
  const { ledger, add, remove } = await setup();
  const backup = await add('full', 1);
  expect(await ledger.backups.get(backup.id)).toEqual(backup);
  expect(await remove(backup.id)).toBe(true);
  expect(await remove(backup.id)).toBe(false);
  expect(await ledger.backups.get(backup.id)).toBeUndefined();
  expect(await ledger.backups.get('no id')).toBeUndefined();
});

it('remembers the latest hundred of each kind, so that WAL crowds out nothing', async () => {
  const { add, remove, remembered, sql } = await setup();
  await add('full', -1);
  const gone = await add('logical', -2);
  await add('full', 5, 'stock');
  await sql`
    INSERT INTO registered_backups (id, target_id, label, kind, taken_at, size_bytes, location, registered_at, registered_by)
    SELECT (left(id::text, 24) || lpad(to_hex(n), 12, '0'))::uuid, 'shop', 'wal ' || n, 'wal', taken_at + n * interval '1 minute', 1, 'x', registered_at, 'x'
    FROM registered_backups, generate_series(1, 150) AS n WHERE label = 'full -1'`;
  await remove(gone.id);
  const labels = await remembered();
  expect(labels).toHaveLength(101);
  expect(labels[0]).toBe('wal 150');
  expect(labels.at(-1)).toBe('full -1');
});

it('forgets deleted ones after a while', async () => {
  const { add, remove, sql, connection } = await setup();
  const days = (count: number) => new Date(Date.now() - count * 86_400_000);
  const [old, recent] = [await add('full', 1), await add('full', 2)];
  await remove(old.id, days(101));
  await remove(recent.id, days(99));
  await add('full', 3);
  await connection.history.prune(24);
  expect((await sql`SELECT label FROM registered_backups ORDER BY label`).map(({ label }) => label)).toEqual([
    'full 2',
    'full 3',
  ]);
});
