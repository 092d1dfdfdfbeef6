import type { CustomTemplate as TemplateView } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { templateView } from '../view/template-view.ts';

/** One version of a template; without a version the newest, retired or not. @throws AppError `not_found` */
export async function getTemplate(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  { name, version }: { readonly name: string; readonly version?: number },
): Promise<TemplateView> {
  const { templates } = deps.ledger;
  const template = version === undefined ? await templates.newest(name) : await templates.get(name, version);
  return templateView(found(template, 'custom template', version === undefined ? name : `${name}@${version}`));
}
