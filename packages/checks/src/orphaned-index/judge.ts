import { type CheckReport, type FoundFinding, objectKey } from '@slacktide/domain';
import { hasWorkingCopySuffix } from '@slacktide/targets';
import type { InvalidIndex } from '../catalogue/invalid-index-details.ts';
import { indexObject, standbyReport, unsettled } from '../catalogue/invalid-index-report.ts';
import type { InvalidIndexSightings } from '../catalogue/invalid-indexes.ts';
import type { DetachedIndex, DetachedIndexes } from './read-detached.ts';
import type { DeadTemporaryIndex, TemporaryIndexes } from './read-temporary.ts';

export interface OrphanedIndexFacts {
  readonly sighted: InvalidIndexSightings;
  readonly invalid: readonly InvalidIndex[];
  readonly temporary: TemporaryIndexes;
  readonly detached: DetachedIndexes;
}

export function judgeOrphanedIndexes({ sighted, invalid, temporary, detached }: OrphanedIndexFacts): CheckReport {
  if (sighted.inRecovery) return standbyReport('orphaned_index', sighted);
  // What cannot be a working copy is invalid_index's, whatever becomes of it.
  const working = sighted.sightings.filter(({ name }) => hasWorkingCopySuffix(name));
  const { skipped, unknown } = unsettled(working, sighted.readStatsGrant);
  const leftovers = invalid.filter(({ workingCopyOf }) => workingCopyOf !== null);
  return {
    check: 'orphaned_index',
    checked: sighted.indexes + temporary.count - skipped.length - unknown.length,
    skipped,
    unknown,
    findings: [
      ...leftovers.map(leftoverFinding),
      ...temporary.dead.map(temporaryFinding),
      ...detached.found.map(detachedFinding),
    ],
    unjudged: detached.unjudged,
    figures: {
      indexes: sighted.indexes,
      in_progress: skipped.length,
      reindex_leftovers: leftovers.length,
      reindex_leftover_bytes: leftovers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      temporary_indexes: temporary.count,
      dead_temporary_indexes: temporary.dead.length,
      indexes_of_detached_partitions: detached.found.length,
    },
  };
}

function leftoverFinding(index: InvalidIndex): FoundFinding {
  const original = index.workingCopyOf?.name ?? null;
  const cost = index.ready ? ', which every write still maintains,' : '';
  return {
    fingerprint: `index:${index.schema}.${index.name}`,
    severity: 'warning',
    object: indexObject(index),
    summary: `REINDEX CONCURRENTLY of ${original} was cut short and left ${index.quoted} on ${index.quotedTable}: drop ${index.quoted}${cost} ${original} does the same and stays`,
    evidence: {
      class: 'reindex_leftover',
      left_by_reindex_of: original,
      original_is_usable: index.workingCopyOf?.usable ?? null,
      toast_of: index.toastOf,
      is_valid: index.valid,
      is_ready: index.ready,
      is_live: index.live,
      size_bytes: index.sizeBytes,
      definition: index.definition,
    },
    // Nothing is lost that would have to be brought back: no query could ever use it, and its original stays.
    action: { sql: [index.dropSql], rollbackSql: [], lockMode: 'SHARE UPDATE EXCLUSIVE', class: 'never_retry' },
  };
}

function temporaryFinding(index: DeadTemporaryIndex): FoundFinding {
  return {
    fingerprint: `index:${objectKey(index)}`,
    severity: 'info',
    object: indexObject(index),
    summary: `Temporary index ${index.name} on ${index.table} is left in ${index.schema}, whose session is gone`,
    evidence: {
      class: 'dead_temporary_schema',
      files_are_gone: index.filesGone,
      size_bytes: index.sizeBytes,
      definition: index.definition,
      no_action_because:
        'autovacuum drops it with its table; by hand it could hit a new session that has taken the schema over by then',
    },
    action: null,
  };
}

function detachedFinding(index: DetachedIndex): FoundFinding {
  return {
    fingerprint: `index:${objectKey(index)}`,
    severity: 'info',
    object: indexObject(index),
    summary: `Index ${index.name} is named and made as on a partition of ${index.partitionedTable}, but ${index.table} is none: it was detached, or not attached yet`,
    evidence: {
      class: 'detached_partition',
      partitioned_table: index.partitionedTable,
      partitioned_index: index.partitionedIndex,
      size_bytes: index.sizeBytes,
      definition: index.definition,
      no_action_because:
        'whether the table is an archive, waits to be attached, or may be dropped is for a person to say',
    },
    action: null,
  };
}
