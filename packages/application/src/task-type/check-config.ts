import { isDeepStrictEqual } from 'node:util';
import { fieldProblems } from '@slacktide/contract';
import type { JsonObject } from '@slacktide/domain';
import type { FieldProblem } from '../app-error.ts';
import type { TaskType } from '../ports/index.ts';

export type CheckedConfig =
  | { readonly kind: 'config'; readonly config: JsonObject }
  | { readonly kind: 'problems'; readonly problems: readonly FieldProblem[] };

/** A configuration with its task type's defaults filled in (but those of new keys, see `TaskType`), or what does not fit, with pointers beneath `pointer`. */
export function checkConfig(type: TaskType, config: JsonObject, pointer: string): CheckedConfig {
  const parsed = type.config.safeParse(config);
  if (parsed.success) return { kind: 'config', config: withoutNewDefaults(type, parsed.data) };
  return { kind: 'problems', problems: fieldProblems(parsed.error, pointer) };
}

/** Workers of the release before may be given this; whoever runs it fills the default in. */
function withoutNewDefaults({ config: schema, newKeys = [] }: TaskType, config: JsonObject): JsonObject {
  if (newKeys.length === 0) return config;
  const defaults = schema.parse({});
  const left = newKeys.filter((key) => isDeepStrictEqual(config[key], defaults[key]));
  return Object.fromEntries(Object.entries(config).filter(([key]) => !left.includes(key)));
}
