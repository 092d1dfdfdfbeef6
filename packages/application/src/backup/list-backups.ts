import type { BackupPage, BackupQuery } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { backupView } from '../view/backup-view.ts';
import { pageView } from '../view/page-view.ts';

/** Backups that are registered of a target, the latest taken first. @throws AppError `not_found` */
export async function listBackups(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  { targetId, limit, cursor, kind }: BackupQuery & { readonly targetId: string },
): Promise<BackupPage> {
  const target = found(await deps.ledger.targets.get(targetId), 'target', targetId);
  return pageView(await deps.ledger.backups.list({ limit, cursor }, { targetId: target.id, kind }), backupView);
}
