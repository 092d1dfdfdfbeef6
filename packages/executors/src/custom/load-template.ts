import type { LookContext } from '@slacktide/application/ports';
import { type CustomTemplate, readTemplateValues } from '@slacktide/domain';
import { type JudgedStatement, judgeTemplate, templateHash } from '@slacktide/templates';
import { refused, type Sound, sound } from './problem.ts';
import type { CustomConfig } from './schema.ts';

/** A version of a template, and what was said for its parameters. */
export interface LoadedTemplate {
  readonly template: CustomTemplate;
  readonly statements: readonly JudgedStatement[];
  /** By parameter, in the text form that the server reads; null = NULL. */
  readonly values: ReadonlyMap<string, string | null>;
}

/** Reads the version that is asked for, and trusts nothing that is kept of it: its hash, and its statements by their parse trees, are checked anew. */
export async function loadTemplate(
  config: CustomConfig,
  { customTasks, memory }: Pick<LookContext, 'customTasks' | 'memory'>,
): Promise<Sound<LoadedTemplate>> {
  if (!customTasks) {
    return refused('', 'custom_tasks_off', 'CUSTOM is switched off on this worker: set CUSTOM_TASKS=on for it');
  }
  if (config.template === '') return refused('/template', 'required', 'Expected the name of a template');
  if (config.version === 0) return refused('/version', 'required', 'Expected a version: there is no "latest"');
  const id = `${config.template}@${config.version}`;
  const template = await memory.customTemplate(config.template, config.version);
  if (template === undefined) return refused('/version', 'unknown_template', `There is no template ${id}`);
  if (template.retiredAt !== null) {
    return refused('/version', 'template_retired', `${id} was retired by ${template.retiredBy}`);
  }
  if (templateHash(template) !== template.hash) {
    return refused('/version', 'template_changed', `${id} is not what was registered: its hash does not fit`);
  }
  const judgement = await judgeTemplate(template);
  if (judgement.kind === 'problems') {
    const [first] = judgement.problems;
    const detail = `${id} holds what may not stand in a template: ${first?.pointer ?? ''} ${first?.detail ?? ''}`;
    return refused('/version', 'template_not_allowed', detail);
  }
  const read = readTemplateValues(template.parameters, config.parameters);
  if (read.kind === 'problems') return { kind: 'refused', problems: read.problems };
  return sound({ template, statements: judgement.statements, values: read.values });
}
