import type { TaskType } from '../ports/index.ts';

/** The task types that exist, without the code that does them. */
export interface TaskTypeCatalog {
  get(type: string): TaskType | undefined;
  /** By name. */
  list(): readonly TaskType[];
}

/** A catalogue of these task types. @throws Error when two have one name. */
export function taskTypeCatalog(types: readonly TaskType[]): TaskTypeCatalog {
  const byName = new Map(types.map((type) => [type.type, type]));
  if (byName.size !== types.length) throw new Error('two task types have one name');
  const sorted = [...types].sort((a, b) => (a.type < b.type ? -1 : 1));
  return { get: (type) => byName.get(type), list: () => sorted };
}
