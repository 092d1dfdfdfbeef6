import type { CustomTemplate as TemplateView } from '@slacktide/contract';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { templateView } from '../view/template-view.ts';

/**
 * Takes a version out of use, for good: it is not run any more, whoever names it. Possible while CUSTOM is switched off, too.
 * @throws AppError `not_found` | `conflict` when it is retired already
 */
export async function retireTemplate(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  { name, version }: { readonly name: string; readonly version: number },
): Promise<TemplateView> {
  const entityId = `${name}@${version}`;
  return await deps.ledger.transaction(ctx, async (tx) => {
    const before = found(await tx.templates.getForUpdate(name, version), 'custom template', entityId);
    if (before.retiredAt !== null) throw new AppError('conflict', `${entityId} was retired by ${before.retiredBy}`);
    const retired = { at: await tx.now(), by: `${ctx.actor.kind}:${ctx.actor.id}` };
    await tx.templates.retire(name, version, retired);
    const result = templateView({ ...before, retiredAt: retired.at, retiredBy: retired.by });
    return {
      result,
      audit: [
        {
          action: 'custom_template.retire',
          entity: 'custom_template',
          entityId,
          before: { retired_at: null, hash: before.hash },
          after: { retired_at: result.retired_at, hash: before.hash },
        },
      ],
    };
  });
}
