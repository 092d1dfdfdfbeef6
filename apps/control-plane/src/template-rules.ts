import type { TemplateRules } from '@slacktide/application/ports';
import { judgeTemplate, templateHash } from '@slacktide/templates';

/** What may be registered as a template: as the executor judges it again before it runs one. */
export const templateRules: TemplateRules = {
  check: async (template) => {
    const judgement = await judgeTemplate(template);
    return judgement.kind === 'sound' ? [] : judgement.problems;
  },
  hash: templateHash,
};
