import {
  type CheckReport,
  type FindingObject,
  type FindingState,
  type FoundFinding,
  objectKey,
  type Severity,
} from './finding.ts';

/** A finding as the ledger has it, of the check that judged anew. */
export interface KnownFinding {
  readonly id: string;
  readonly fingerprint: string;
  readonly severity: Severity;
  readonly object: FindingObject;
  readonly summary: string;
  readonly isResolved: boolean;
  /** A mute is in force, of a resolved one, too: it holds when the thing comes back. */
  readonly isMuted: boolean;
}

/** A known finding that was found again. */
export interface SeenFinding {
  readonly known: KnownFinding;
  readonly found: FoundFinding;
}

/** What a report makes of the findings that are known. A resolved one that was not found again is in none of them. */
export interface ReconciledFindings {
  readonly opened: readonly FoundFinding[];
  readonly seenAgain: readonly SeenFinding[];
  readonly reopened: readonly SeenFinding[];
  readonly resolved: readonly KnownFinding[];
  /** Not found, but not judged either: they stay as they are. */
  readonly kept: readonly KnownFinding[];
}

/** The state that the facts amount to. */
export function findingState({ isResolved, isMuted }: Pick<KnownFinding, 'isResolved' | 'isMuted'>): FindingState {
  if (isResolved) return 'resolved';
  return isMuted ? 'muted' : 'open';
}

/**
 * Decides what becomes of the known findings of a check, by its report: what was not found is resolved, unless its object could not be judged.
 * @throws Error when a report has one fingerprint twice: the check does not tell its objects apart
 */
export function reconcileFindings(existing: readonly KnownFinding[], report: CheckReport): ReconciledFindings {
  const found = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  if (found.size !== report.findings.length) {
    const twice = report.findings.find((finding) => found.get(finding.fingerprint) !== finding);
    throw new Error(
      `expected every finding of ${report.check} to have its own fingerprint, got: ${twice?.fingerprint}`,
    );
  }
  const known = new Map(existing.map((finding) => [finding.fingerprint, finding]));
  const seen = existing.flatMap((each): SeenFinding[] => {
    const again = found.get(each.fingerprint);
    return again === undefined ? [] : [{ known: each, found: again }];
  });
  const missing = existing.filter(({ fingerprint, isResolved }) => !isResolved && !found.has(fingerprint));
  const isUnjudged = unjudgedObjects(report);
  return {
    opened: report.findings.filter(({ fingerprint }) => !known.has(fingerprint)),
    seenAgain: seen.filter(({ known: { isResolved } }) => !isResolved),
    reopened: seen.filter(({ known: { isResolved } }) => isResolved),
    resolved: missing.filter(({ object }) => !isUnjudged(object)),
    kept: missing.filter(({ object }) => isUnjudged(object)),
  };
}

function unjudgedObjects({ unjudged, unknown }: CheckReport): (object: FindingObject) => boolean {
  if (unjudged === 'all') return () => true;
  const keys = new Set([...unjudged, ...unknown.map(({ object }) => object)]);
  return (object) => keys.has(objectKey(object));
}
