import { fieldProblems } from '@slacktide/contract';
import type { JsonObject } from '@slacktide/domain';
import type { FieldProblem } from '../app-error.ts';
import type { TaskType } from '../ports/index.ts';

export type CheckedConfig =
  | { readonly kind: 'config'; readonly config: JsonObject }
  | { readonly kind: 'problems'; readonly problems: readonly FieldProblem[] };

/** A configuration with its task type's defaults filled in, or what does not fit, with pointers beneath `pointer`. */
export function checkConfig(type: TaskType, config: JsonObject, pointer: string): CheckedConfig {
  const parsed = type.config.safeParse(config);
  if (parsed.success) return { kind: 'config', config: parsed.data };
  return { kind: 'problems', problems: fieldProblems(parsed.error, pointer) };
}
