import type { CustomTemplateInput, CustomTemplate as TemplateView } from '@slacktide/contract';
import { type CustomTemplate, type TemplateContent, withDefaultLength } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { templateView } from '../view/template-view.ts';
import { customTasksOn } from './custom-tasks-on.ts';

/**
 * Registers SQL that CUSTOM tasks may run: version 1 of a new name, or the next of one that there is. Nothing that is registered changes any more.
 * @throws AppError `conflict` while CUSTOM is switched off | `invalid_request` with all that is wrong
 */
export async function registerTemplate(
  deps: Pick<Deps, 'ledger' | 'taskTypes' | 'templateRules'>,
  ctx: RequestContext,
  input: CustomTemplateInput,
): Promise<TemplateView> {
  customTasksOn(deps.taskTypes);
  const content = contentOf(input);
  const problems = await deps.templateRules.check(content);
  if (problems.length > 0) {
    throw new AppError('invalid_request', problems[0]?.detail ?? 'The template is not valid', { problems });
  }
  return await deps.ledger.transaction(ctx, async (tx) => {
    const version = await tx.templates.nextVersion(content.name);
    const template: CustomTemplate = {
      ...content,
      version,
      hash: deps.templateRules.hash({ ...content, version }),
      createdAt: await tx.now(),
      createdBy: `${ctx.actor.kind}:${ctx.actor.id}`,
      retiredAt: null,
      retiredBy: null,
    };
    await tx.templates.insert(template);
    const result = templateView(template);
    const entityId = `${template.name}@${version}`;
    return {
      result,
      audit: [{ action: 'custom_template.register', entity: 'custom_template', entityId, before: null, after: result }],
    };
  });
}

function contentOf(input: CustomTemplateInput): TemplateContent {
  const { lock_mode: lockMode, parameters, ...rest } = input;
  return {
    ...rest,
    lockMode,
    parameters: parameters.map(({ max_length: maxLength, ...parameter }) =>
      withDefaultLength({ ...parameter, maxLength }),
    ),
  };
}
