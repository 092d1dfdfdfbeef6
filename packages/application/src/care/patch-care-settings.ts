import type { CareSettingsPatch, CareSettingsView } from '@slacktide/contract';
import type { Json, JsonObject } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found, sameVersion } from '../preconditions.ts';
import { mergePatch } from '../schedule/merge-patch.ts';
import { careSettingsView } from '../view/care-settings-view.ts';
import { careSettingsProblems } from './check-care-settings.ts';

/**
 * Changes what is said over REST about care, of the fleet or of one target, by a JSON merge patch (RFC 7396): null takes a setting back to what
 * holds without it.
 * @throws AppError `not_found` | `precondition_failed` | `invalid_request` with a suggestion for every key that is not known
 */
export async function patchCareSettings(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  input: {
    readonly targetId: string | null;
    readonly expectedVersion: number | null;
    readonly patch: CareSettingsPatch;
  },
): Promise<CareSettingsView> {
  const { targetId } = input;
  return await deps.ledger.transaction(ctx, async (tx) => {
    if (targetId !== null) found(await tx.targets.get(targetId), 'target', targetId);
    const current = await tx.care.getForUpdate(targetId === null ? 'fleet' : 'target', targetId);
    sameVersion(current.version, input.expectedVersion);
    const settings = mergePatch(current.settings, input.patch as Json) as JsonObject;
    const problems = careSettingsProblems(settings);
    if (problems.length > 0) throw new AppError('invalid_request', problems[0]?.detail ?? 'Not valid', { problems });
    const version = current.version + 1;
    await tx.care.put({ origin: current.origin, targetId, settings, version });
    return {
      result: careSettingsView(targetId, version, await tx.care.layers(targetId)),
      audit: [
        {
          action: 'care_settings.patch',
          entity: 'care_settings',
          entityId: targetId ?? 'fleet',
          before: { settings: current.settings },
          after: { settings },
        },
      ],
    };
  });
}
