import type { TaskType } from '../ports/index.ts';

/** The task types that exist, without the code that does them. */
export interface TaskTypeCatalog {
  get(type: string): TaskType | undefined;
  /** By name. */
  list(): readonly TaskType[];
  /** Whether a setting says `on`. */
  isSwitchedOn(setting: string): boolean;
  /** True for one that has to be switched on, and is not: no job may be made of it. */
  isOff(type: string): boolean;
}

/**
 * A catalogue of these task types. `switchedOn` = the settings that say `on`; a type that needs another one is off.
 * @throws Error when two have one name.
 */
export function taskTypeCatalog(
  types: readonly TaskType[],
  { switchedOn = [] }: { readonly switchedOn?: readonly string[] } = {},
): TaskTypeCatalog {
  const byName = new Map(types.map((type) => [type.type, type]));
  if (byName.size !== types.length) throw new Error('two task types have one name');
  const sorted = [...types].sort((a, b) => (a.type < b.type ? -1 : 1));
  const isSwitchedOn = (setting: string): boolean => switchedOn.includes(setting);
  return {
    isSwitchedOn,
    get: (type) => byName.get(type),
    list: () => sorted,
    isOff: (type) => {
      const setting = byName.get(type)?.offUnless;
      return setting !== undefined && !isSwitchedOn(setting);
    },
  };
}

/** What is to be done about a type that is off. */
export function offDetail({ type, offUnless }: Pick<TaskType, 'type' | 'offUnless'>): string {
  return `${type} is switched off: set ${offUnless}=on for the control plane and for the workers`;
}
