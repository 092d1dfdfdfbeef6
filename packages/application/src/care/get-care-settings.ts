import type { CareSettingsView } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { careSettingsView } from '../view/care-settings-view.ts';

/** Every setting of care as it holds for a target, or for the fleet, and who said so. @throws AppError `not_found` */
export async function getCareSettings(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  input: { readonly targetId: string | null },
): Promise<CareSettingsView> {
  const { targetId } = input;
  if (targetId !== null) found(await deps.ledger.targets.get(targetId), 'target', targetId);
  const { version } = await deps.ledger.care.get(targetId === null ? 'fleet' : 'target', targetId);
  return careSettingsView(targetId, version, await deps.ledger.care.layers(targetId));
}
