import type { BackupInput, Backup as BackupView } from '@slacktide/contract';
import { timeOrderedId } from '@slacktide/domain';
import { invalid } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { RegisteredBackup, RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { backupView } from '../view/backup-view.ts';

/** How far the clock of whoever takes backups may be ahead of the ledger's. */
const clockDriftMs = 300_000;

/**
 * Keeps that a backup of a target was taken. Whether it is there and whole is for BACKUP_VERIFICATION to find out.
 * @throws AppError `not_found` | `invalid_request` when it was taken in the future
 */
export async function registerBackup(
  deps: Pick<Deps, 'ledger' | 'randomBytes'>,
  ctx: RequestContext,
  input: { readonly targetId: string; readonly backup: BackupInput },
): Promise<BackupView> {
  return await deps.ledger.transaction(ctx, async (tx) => {
    // Locked, so that it is not deleted meanwhile.
    const target = found(await tx.targets.getForUpdate(input.targetId), 'target', input.targetId);
    const now = await tx.now();
    const { taken_at, size_bytes: sizeBytes, label, kind, location, checksum } = input.backup;
    const takenAt = new Date(taken_at);
    if (takenAt.getTime() > now.getTime() + clockDriftMs) {
      throw invalid('/taken_at', 'in_future', `Expected a moment that is past at ${now.toISOString()}`);
    }
    const backup: RegisteredBackup = {
      ...{ id: timeOrderedId(now, deps.randomBytes(16)), targetId: target.id },
      ...{ label, kind, takenAt, sizeBytes, location, checksum, registeredAt: now, registeredBy: ctx.actor.name },
    };
    await tx.backups.insert(backup);
    const result = backupView(backup);
    return {
      result,
      audit: [{ action: 'backup.register', entity: 'backup', entityId: backup.id, before: null, after: result }],
    };
  });
}
