import type { RelationRow } from './relations.ts';
import type { IntegrityMemory } from './remembered.ts';
import type { IntegrityConfig } from './schema.ts';
import type { Verdict } from './verify.ts';

/** What a look had switched on beyond the order of the entries. `rootdescend` only INDEX_CONSISTENCY_CHECK does. */
export function switchesOf(
  config: Pick<IntegrityConfig, 'heapallindexed' | 'checkunique' | 'parent_check'>,
  rootdescend = false,
): readonly string[] {
  const { heapallindexed, checkunique, parent_check: parent } = config;
  return Object.entries({ heapallindexed, checkunique, parent, rootdescend }).flatMap(([name, on]) =>
    on ? [name] : [],
  );
}

/** Whether "sound" says nothing: the relation was found corrupt by a look that had more switched on. */
export function isWeaker(known: readonly string[] | undefined, switches: readonly string[]): boolean {
  return known?.some((name) => !switches.includes(name)) ?? false;
}

/** What is known to be corrupt after this look; relations that are gone are forgotten. */
export function rememberCorrupt(
  known: IntegrityMemory['corrupt'],
  verdicts: ReadonlyMap<string, Verdict>,
  relations: readonly Pick<RelationRow, 'quoted' | 'kind'>[],
  switches: readonly string[],
): Record<string, string[]> {
  return Object.fromEntries(
    relations.flatMap(({ quoted, kind }): [string, string[]][] => {
      const found = known?.[quoted];
      const verdict = verdicts.get(quoted)?.kind;
      // What the least look finds, the least look finds again; a table is looked at in one way only.
      if (verdict === 'corrupt')
        return [[quoted, kind === 'index' ? (found ?? switches).filter((each) => switches.includes(each)) : []]];
      const isCured = verdict === 'sound' && !isWeaker(found, switches);
      return found === undefined || isCured ? [] : [[quoted, found]];
    }),
  );
}
