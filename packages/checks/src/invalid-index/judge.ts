import {
  type CheckReport,
  type FoundFinding,
  objectKey,
  type SkippedObject,
  type UnknownObject,
} from '@slacktide/domain';
import type { InvalidIndex } from '../catalogue/invalid-index-details.ts';
import { standbyReport, unsettled } from '../catalogue/invalid-index-report.ts';
import type { InvalidIndexSightings } from '../catalogue/invalid-indexes.ts';
import { buildsCorruptIndexes } from '../catalogue/new-index-name.ts';
import { incompleteFinding } from './incomplete-finding.ts';
import { invalidFinding } from './invalid-finding.ts';
import type { PartitionPart } from './read-partition-parts.ts';

export interface InvalidIndexFacts {
  readonly serverVersion: number;
  readonly sighted: InvalidIndexSightings;
  readonly indexes: readonly InvalidIndex[];
  readonly parts: readonly PartitionPart[];
  /** By the index's OID: keys that occur more than once. Left out = not counted. */
  readonly duplicateKeys: ReadonlyMap<number, number>;
  /** OIDs of indexes that our own samples have seen in use. */
  readonly seenInUse: ReadonlySet<number>;
}

const unsafeBuilds =
  'PostgreSQL 14.0 to 14.3 may corrupt an index that is built CONCURRENTLY: update to 14.4 or later first';

/** Judges what nobody works on; what REINDEX left is orphaned_index's, what hangs on a whole is the whole's. */
export function judgeInvalidIndexes(facts: InvalidIndexFacts): CheckReport {
  const { sighted, serverVersion } = facts;
  if (sighted.inRecovery) return standbyReport('invalid_index', sighted);
  const { skipped, unknown } = unsettled(sighted.sightings, sighted.readStatsGrant);
  const buildsAreUnsafe = buildsCorruptIndexes(serverVersion) ? unsafeBuilds : null;
  const parts = Map.groupBy(facts.parts, ({ root }) => root);
  const findings: FoundFinding[] = [];
  const leftOut: SkippedObject[] = [];
  const locked: UnknownObject[] = [];
  for (const index of facts.indexes) {
    const object = objectKey(index);
    const own = parts.get(index.oid) ?? [];
    const reason = notOurs(index);
    if (reason !== null) leftOut.push({ object, reason });
    else if (own.some((part) => part.locked)) locked.push({ object, reason: 'locked', grant: null });
    else if (index.partitioned) findings.push(incompleteFinding(index, own, buildsAreUnsafe));
    else {
      const duplicateKeys = facts.duplicateKeys.get(index.oid) ?? null;
      findings.push(invalidFinding(index, { duplicateKeys, wasUsed: wasUsed(index, facts), buildsAreUnsafe }));
    }
  }
  return {
    check: 'invalid_index',
    checked: sighted.indexes - skipped.length - unknown.length - leftOut.length - locked.length,
    skipped: [...skipped, ...leftOut],
    unknown: [...unknown, ...locked],
    findings,
    unjudged: [],
    figures: {
      indexes: sighted.indexes,
      in_progress: skipped.length,
      invalid: findings.length,
      left_to_orphaned_index: facts.indexes.filter(({ workingCopyOf }) => workingCopyOf !== null).length,
      ...Object.fromEntries(
        classes.map((name) => [name, findings.filter(({ evidence }) => evidence['class'] === name).length]),
      ),
      invalid_bytes: facts.indexes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      concurrent_builds_may_corrupt: buildsAreUnsafe !== null,
    },
  };
}

const classes = ['failed_create', 'failed_drop', 'failed_drop_or_create', 'needed', 'incomplete_partitioned'];

function notOurs({ workingCopyOf, parent, parentUsable }: InvalidIndex): string | null {
  if (workingCopyOf !== null) return `leftover of REINDEX of ${workingCopyOf.name}: reported by orphaned_index`;
  return parentUsable === false ? `part of ${parent}, which is reported` : null;
}

/** The planner never uses an index that was not valid. */
function wasUsed({ oid, scans }: InvalidIndex, { seenInUse }: InvalidIndexFacts): boolean {
  return scans > 0 || seenInUse.has(oid);
}
