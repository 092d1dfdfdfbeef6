import type { CustomTemplatePage, CustomTemplateQuery } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { pageView } from '../view/page-view.ts';
import { templateView } from '../view/template-view.ts';

/** Templates, every version of them, the newest first. */
export async function listTemplates(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  { limit, cursor, name, retired }: CustomTemplateQuery,
): Promise<CustomTemplatePage> {
  return pageView(await deps.ledger.templates.list({ limit, cursor }, { name, retired }), templateView);
}
