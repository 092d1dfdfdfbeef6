import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { backupView } from '../view/backup-view.ts';

/** Takes a backup off the register, as when it was removed where it was; nothing is removed there by this. @throws AppError `not_found` */
export async function deleteBackup(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  input: { readonly targetId: string; readonly id: string },
): Promise<null> {
  return await deps.ledger.transaction(ctx, async (tx) => {
    const backup = await tx.backups.get(input.id);
    const current = found(backup?.targetId === input.targetId ? backup : undefined, 'backup', input.id);
    const deleted = await tx.backups.delete(current.id, await tx.now());
    found(deleted ? current : undefined, 'backup', input.id);
    return {
      result: null,
      audit: [
        { action: 'backup.delete', entity: 'backup', entityId: current.id, before: backupView(current), after: null },
      ],
    };
  });
}
