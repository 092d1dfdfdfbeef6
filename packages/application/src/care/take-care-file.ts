import type { JsonObject } from '@slacktide/domain';
import { canonicalJson } from '../audit/canonical-json.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';

/** Has the settings of the file hold, which were checked before. Writes only when they differ from those that hold. Returns whether they did. */
export async function takeCareFile(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  settings: JsonObject,
): Promise<boolean> {
  const known = await deps.ledger.care.get('file', null);
  if (canonicalJson(known.settings) === canonicalJson(settings)) return false;
  return await deps.ledger.transaction(ctx, async (tx) => {
    const current = await tx.care.getForUpdate('file', null);
    await tx.care.put({ origin: 'file', targetId: null, settings, version: current.version + 1 });
    return {
      result: true,
      audit: [
        {
          action: 'care_settings.file',
          entity: 'care_settings',
          entityId: 'file',
          before: { settings: current.settings },
          after: { settings },
        },
      ],
    };
  });
}
