import type { FindingAction, JsonObject } from '@slacktide/domain';
import type { PartitionPart } from './read-partition-parts.ts';

/** Partitions that one action takes on; what is left is the next run's. */
const mostPartitions = 50;

/** What would make a partitioned index whole, and what the evidence says of its parts. */
export interface Completion {
  readonly action: FindingAction | null;
  readonly evidence: JsonObject;
  /** Partitions without their part of the index. */
  readonly missing: number;
}

/** Builds, rebuilds and attaches what is lacking. Attaching cannot be undone, and need not be: it takes nothing away. */
export function completePartitioned(parts: readonly PartitionPart[], buildsAreUnsafe: string | null): Completion {
  const missing = parts.filter(({ attached }) => attached === null);
  // What is partitioned again has its own partitions among the parts.
  const unusable = parts.filter(({ attachedUsable, partitioned }) => attachedUsable === false && !partitioned);
  const evidence = {
    partitions: parts.length,
    missing_partitions: missing.slice(0, mostPartitions).map(({ partition }) => partition),
    missing_partition_count: missing.length,
    unusable_parts: unusable.slice(0, mostPartitions).map(({ attached }) => attached),
  };
  const gaps = [...missing, ...unusable];
  // Nothing is lacking where a partition without its part was dropped: each whole is validated, from below.
  const chosen = gaps.length === 0 ? firstOfEachWhole(parts) : gaps.slice(0, mostPartitions);
  const because = obstacle(chosen, buildsAreUnsafe);
  if (because !== null) {
    return { action: null, evidence: { ...evidence, no_action_because: because }, missing: missing.length };
  }
  const created = chosen.filter(isToBeBuilt);
  return {
    missing: missing.length,
    evidence: {
      ...evidence,
      lock_note:
        "ATTACH PARTITION locks the part's index with ACCESS EXCLUSIVE for an instant, and neither table with more than ACCESS SHARE",
      ...(created.length === 0
        ? {}
        : {
            rollback_note:
              'what was built can be dropped until it is attached; from then on PostgreSQL refuses to drop it alone',
          }),
      ...(gaps.length > mostPartitions ? { action_covers_partitions: mostPartitions } : {}),
    },
    action: {
      sql: chosen.flatMap(statementsFor),
      rollbackSql: created.flatMap(({ dropSql }) => (dropSql === null ? [] : [dropSql])).toReversed(),
      lockMode: 'ACCESS EXCLUSIVE',
      class: created.length === 0 ? 'idempotent' : 'compensable',
    },
  };
}

function firstOfEachWhole(parts: readonly PartitionPart[]): PartitionPart[] {
  return [...Map.groupBy(parts, ({ whole }) => whole).values()].flatMap((group) => group.slice(0, 1));
}

function isToBeBuilt({ attached, match }: PartitionPart): boolean {
  return attached === null && match === null;
}

function statementsFor(part: PartitionPart): string[] {
  const first = isToBeBuilt(part) ? part.createSql : part.attachedUsable === false ? part.reindexSql : null;
  return [first, part.attachSql].filter((statement) => statement !== null);
}

function obstacle(parts: readonly PartitionPart[], buildsAreUnsafe: string | null): string | null {
  if (parts.length === 0) {
    return 'the table has no partitions, so that nothing can be attached: drop the index and create it again';
  }
  const foreign = parts.find((part) => part.foreign);
  if (foreign !== undefined) return `${foreign.partition} is a foreign table, which cannot have an index`;
  const toBuild = parts.filter(isToBeBuilt);
  const nested = toBuild.find(({ partitioned }) => partitioned);
  if (nested !== undefined) {
    return `${nested.partition} is partitioned itself and lacks the index: create it there first, with CREATE INDEX … ON ONLY`;
  }
  const constrained = toBuild.find(({ constraint }) => constraint);
  if (constrained !== undefined) {
    return `the index backs a constraint: add that constraint to ${constrained.partition}, then attach its index`;
  }
  const unnamed = toBuild.find(({ createSql }) => createSql === null);
  if (unnamed !== undefined) return `no statement could be made for ${unnamed.partition}`;
  const builds = toBuild.length > 0 || parts.some(({ attachedUsable }) => attachedUsable === false);
  return builds ? buildsAreUnsafe : null;
}
