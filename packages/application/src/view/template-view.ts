import type { CustomTemplate as TemplateView } from '@slacktide/contract';
import type { CustomTemplate } from '@slacktide/domain';

/** A version of a template as the API shows it. */
export function templateView(template: CustomTemplate): TemplateView {
  return {
    name: template.name,
    description: template.description,
    statements: [...template.statements],
    parameters: template.parameters.map((parameter) => ({
      name: parameter.name,
      type: parameter.type,
      required: parameter.required,
      default: parameter.default,
      secret: parameter.secret,
      max_length: parameter.maxLength,
      min: parameter.min,
      max: parameter.max,
      allowed: parameter.allowed && [...parameter.allowed],
    })),
    access: template.access,
    class: template.class,
    lock_mode: template.lockMode,
    version: template.version,
    hash: template.hash,
    created_at: template.createdAt.toISOString(),
    created_by: template.createdBy,
    retired_at: template.retiredAt?.toISOString() ?? null,
    retired_by: template.retiredBy,
  };
}
