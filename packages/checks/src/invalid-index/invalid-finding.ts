import type { FindingAction, FoundFinding, JsonObject } from '@slacktide/domain';
import { hasWorkingCopySuffix } from '@slacktide/targets';
import type { InvalidIndex } from '../catalogue/invalid-index-details.ts';
import { indexObject } from '../catalogue/invalid-index-report.ts';

/** What became of an index with storage of its own. */
export type InvalidClass = 'failed_create' | 'failed_drop' | 'failed_drop_or_create' | 'needed';

export interface Circumstances {
  /** Keys that occur more than once; null = not counted. */
  readonly duplicateKeys: number | null;
  /** The planner has used it: then it was valid once. */
  readonly wasUsed: boolean;
  /** Why nothing may be built CONCURRENTLY on this server; null = it may. */
  readonly buildsAreUnsafe: string | null;
}

interface Cure {
  readonly advice: string;
  readonly action: FindingAction | null;
  readonly evidence: JsonObject;
}

export function invalidFinding(index: InvalidIndex, circumstances: Circumstances): FoundFinding {
  const found = classify(index, circumstances);
  const { advice, action, evidence } = cureFor(index, found, circumstances);
  return {
    fingerprint: `index:${index.schema}.${index.name}`,
    severity: found === 'needed' ? 'critical' : 'warning',
    object: indexObject(index),
    summary: `${describe(index, found)}${index.ready ? ', while writes still maintain it' : ''}: ${advice}`,
    evidence: {
      class: found,
      is_valid: index.valid,
      is_ready: index.ready,
      is_live: index.live,
      is_unique: index.unique,
      size_bytes: index.sizeBytes,
      scans: index.scans,
      was_used: circumstances.wasUsed,
      definition: index.definition,
      does_the_same: index.twin,
      ...(index.duplicatesSql === null
        ? {}
        : { duplicate_keys: circumstances.duplicateKeys, duplicates_query: index.duplicatesSql }),
      ...evidence,
    },
    action,
  };
}

/**
 * CREATE INDEX CONCURRENTLY makes an index ready once it is built, then valid; DROP INDEX CONCURRENTLY takes first valid, then ready and live
 * away. So ready alone may be either, unless it was used or could never have been completed.
 */
export function classify(index: InvalidIndex, { duplicateKeys, wasUsed }: Circumstances): InvalidClass {
  if (neededBy(index) !== null) return 'needed';
  if (!index.live) return 'failed_drop';
  if (!index.ready) return 'failed_create';
  if (wasUsed) return 'failed_drop';
  return (duplicateKeys ?? 0) > 0 ? 'failed_create' : 'failed_drop_or_create';
}

function neededBy(index: InvalidIndex): string | null {
  if (index.toastOf !== null) return `the TOAST table of ${index.toastOf}`;
  if (index.constraint !== null) return `constraint ${index.constraint}`;
  if (index.replicaIdentity) return `the replica identity of ${index.table}`;
  return index.parent === null ? null : `partitioned index ${index.parent}`;
}

function describe(index: InvalidIndex, found: InvalidClass): string {
  const where = `${index.quoted} on ${index.quotedTable}`;
  switch (found) {
    case 'failed_create':
      return `A CREATE INDEX CONCURRENTLY failed and left the invalid index ${where}`;
    case 'failed_drop':
      return `You lost index ${where}: a DROP INDEX CONCURRENTLY was cut short, and queries cannot use it any more`;
    case 'failed_drop_or_create':
      return `You lost index ${where}, or never had it: a DROP INDEX CONCURRENTLY, or the end of a CREATE INDEX CONCURRENTLY, was cut short, and queries cannot use it`;
    case 'needed':
      return `Index ${where} is invalid although ${neededBy(index)} needs it`;
  }
}

function cureFor(index: InvalidIndex, found: InvalidClass, { duplicateKeys, buildsAreUnsafe }: Circumstances): Cure {
  if (found === 'needed') return rebuildNeeded(index, buildsAreUnsafe);
  const drop: FindingAction = {
    sql: [index.dropSql],
    rollbackSql: [index.restore],
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    class: 'never_retry',
  };
  const options = {
    options: [
      { option: 'repair it, if it is wanted', sql: index.reindexSql },
      { option: 'drop it, if it is not', sql: index.dropSql },
    ],
  };
  const dropIt = `drop ${index.quoted}`;
  if (index.twin !== null)
    return { advice: `${dropIt}; ${index.twin} does the same and stays`, action: drop, evidence: options };
  if (found === 'failed_create') {
    const cause =
      duplicateKeys === null || duplicateKeys === 0 ? '' : `, whose cause is ${duplicateKeys} duplicate keys`;
    return { advice: `${dropIt}, cure what made it fail${cause}, and create it again`, action: drop, evidence: {} };
  }
  if (!index.live) return { advice: `finish the drop of ${index.quoted}`, action: drop, evidence: options };
  if (found === 'failed_drop_or_create' && hasWorkingCopySuffix(index.name)) {
    return {
      advice: `${dropIt}, which REINDEX CONCURRENTLY seems to have left and whose original is gone`,
      action: drop,
      evidence: options,
    };
  }
  const advice = 'REINDEX INDEX CONCURRENTLY brings it back, DROP INDEX CONCURRENTLY finishes a drop';
  if (buildsAreUnsafe !== null)
    return { advice, action: null, evidence: { ...options, no_action_because: buildsAreUnsafe } };
  return { advice, action: rebuild(index), evidence: options };
}

function rebuildNeeded(index: InvalidIndex, buildsAreUnsafe: string | null): Cure {
  const needed = { needed_by: neededBy(index) };
  if (index.toastOf !== null) {
    const because = `PostgreSQL refuses to rebuild or drop it: VACUUM FULL of ${index.toastOf} makes a new one`;
    return { advice: because, action: null, evidence: { ...needed, no_action_because: because } };
  }
  const advice = `rebuild ${index.quoted}, which cannot be dropped`;
  if (index.exclusion) {
    const evidence = {
      ...needed,
      lock_note:
        'REINDEX of an exclusion constraint cannot be CONCURRENTLY: it blocks writes to the table, and queries that plan with the index',
    };
    return { advice, action: rebuild(index), evidence };
  }
  if (buildsAreUnsafe !== null)
    return { advice, action: null, evidence: { ...needed, no_action_because: buildsAreUnsafe } };
  return { advice, action: rebuild(index), evidence: needed };
}

function rebuild(index: InvalidIndex): FindingAction {
  return {
    sql: [index.reindexSql],
    rollbackSql: [],
    lockMode: index.exclusion ? 'SHARE' : 'SHARE UPDATE EXCLUSIVE',
    class: 'idempotent',
  };
}
