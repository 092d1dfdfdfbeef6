import { type CheckReport, objectKey, type SkippedObject, type UnknownObject } from '@slacktide/domain';
import { buildsCorruptIndexes } from '../catalogue/new-index-name.ts';
import { type Cover, coverOf } from './cover.ts';
import { findingOf } from './finding.ts';
import type { MeasuredKey } from './measure.ts';
import type { Searches } from './read-operators.ts';
import type { Proposal, WantedIndex } from './read-proposals.ts';
import type { MissingFkIndexConfig } from './schema.ts';

/** Suggestions told with the figures. */
const longestSuggestions = 5;

/** What becomes of each foreign key. */
export interface SortedKeys {
  readonly covered: number;
  readonly uncovered: readonly { readonly key: MeasuredKey; readonly cover: Cover }[];
  readonly skipped: readonly SkippedObject[];
  readonly unknown: readonly UnknownObject[];
}

/** Tells the covered, the small and the unmeasured ones from those that lack an index. */
export function sortKeys(keys: readonly MeasuredKey[], searches: Searches, config: MissingFkIndexConfig): SortedKeys {
  const skipped: SkippedObject[] = [];
  const unknown: UnknownObject[] = [];
  const uncovered: { key: MeasuredKey; cover: Cover }[] = [];
  let covered = 0;
  for (const key of keys) {
    const cover = coverOf(key, key.members, searches);
    if (cover.kind === 'full') covered += 1;
    else if (key.rows === null && config.min_rows > 0) {
      unknown.push({ object: objectKey(key), reason: 'locked', grant: null });
    } else if ((key.rows ?? 0) < config.min_rows) {
      const reason = `${key.schema}.${key.table} has about ${key.rows} rows, fewer than ${config.min_rows}`;
      skipped.push({ object: objectKey(key), reason });
    } else uncovered.push({ key, cover });
  }
  return { covered, uncovered, skipped, unknown };
}

/** Foreign keys on the same columns, in any order, want one index: the first of them stands for all. */
export function wantedIndexes({ uncovered }: SortedKeys): readonly WantedIndex[] {
  return [...Map.groupBy(uncovered, ({ key }) => columnsKey(key)).values()].flatMap(([first]) =>
    first === undefined ? [] : [{ foreignKeyOid: first.key.oid, tables: tablesOf(first), period: first.key.period }],
  );
}

/** Partitions that have their index keep it: then only the others get one. */
function tablesOf({ key, cover }: SortedKeys['uncovered'][number]): WantedIndex['tables'] {
  return key.partitioned && cover.uncovered.length === cover.members
    ? 'tree'
    : cover.uncovered.map(({ table }) => table.oid);
}

export function judgeKeys(
  sorted: SortedKeys,
  proposals: readonly Proposal[],
  serverVersion: number,
  config: MissingFkIndexConfig,
): CheckReport {
  const proposalOf = new Map(proposals.map((proposal) => [proposal.foreignKeyOid, proposal]));
  const groups = Map.groupBy(sorted.uncovered, ({ key }) => columnsKey(key));
  const findings = [...groups.values()].flatMap((group) =>
    group.map(({ key, cover }) =>
      findingOf(
        {
          key,
          cover,
          twins: group.flatMap((other) => (other.key.oid === key.oid ? [] : [other.key])),
          proposal: proposalOf.get(group[0]?.key.oid ?? key.oid),
          buildsCorruptIndexes: buildsCorruptIndexes(serverVersion),
        },
        config,
      ),
    ),
  );
  return {
    check: 'missing_fk_index',
    checked: sorted.covered + findings.length,
    skipped: sorted.skipped,
    unknown: sorted.unknown,
    findings,
    unjudged: [],
    figures: {
      count: findings.length,
      suggestions: findings.slice(0, longestSuggestions).map(({ summary }) => summary),
      foreign_keys: sorted.covered + findings.length + sorted.skipped.length + sorted.unknown.length,
    },
  };
}

function columnsKey({ tableOid, columns, unservedColumns, period }: MeasuredKey): string {
  return JSON.stringify([tableOid, period, unservedColumns, columns.map(({ name }) => name).toSorted()]);
}
