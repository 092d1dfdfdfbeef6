import type { LookContext } from '@slacktide/application/ports';
import type { CustomTemplate, TemplateContent, TemplateParameter } from '@slacktide/domain';
import { templateHash } from '@slacktide/templates';
import { noContext } from '../../../test/support/no-context.ts';

/** A required parameter without bounds. */
export function parameter(
  name: string,
  type: TemplateParameter['type'],
  changes: Partial<TemplateParameter> = {},
): TemplateParameter {
  const none = { default: null, secret: false, maxLength: null, min: null, max: null, allowed: null };
  return { name, type, required: true, ...none, ...changes };
}

/** Version 1 of a template as the ledger has it. */
export function registered(content: Partial<TemplateContent>, changes: Partial<CustomTemplate> = {}): CustomTemplate {
  const template = {
    name: 'tidy',
    description: 'Tidies up',
    statements: ['CHECKPOINT'],
    parameters: [],
    access: 'act' as const,
    class: 'never_retry' as const,
    lockMode: null,
    ...content,
    version: 1,
  };
  const kept = { createdAt: new Date(0), createdBy: 'api_key:1', retiredAt: null, retiredBy: null };
  return { ...template, hash: templateHash(template), ...kept, ...changes };
}

/** A worker that may run templates, and a ledger that has these. */
export function withTemplates(...templates: readonly CustomTemplate[]): LookContext {
  return {
    ...noContext,
    customTasks: true,
    memory: {
      ...noContext.memory,
      customTemplate: async (name, version) =>
        templates.find((template) => template.name === name && template.version === version),
    },
  };
}
