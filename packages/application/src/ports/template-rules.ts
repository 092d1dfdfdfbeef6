import type { TemplateContent, TemplateProblem } from '@slacktide/domain';

/** What may be registered as a template. */
export interface TemplateRules {
  /** Judges statements by their parse trees; [] = nothing is wrong. */
  check(template: TemplateContent): Promise<readonly TemplateProblem[]>;
  /** SHA-256 of a version's content, in hexadecimal. */
  hash(template: TemplateContent & { readonly version: number }): string;
}
