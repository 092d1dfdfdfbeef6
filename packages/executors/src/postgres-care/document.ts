import type { SafeguardFigures } from '@slacktide/application/ports';
import { type CareStep, type CheckReport, careSteps, type JsonObject } from '@slacktide/domain';
import { hasWorkingCopySuffix } from '@slacktide/targets';
import type { StepFollowUp } from './follow-up.ts';

/** What a step puts into the run's document: names within `cleanup`, or `integrity_check`. */
export function documentPart(
  { number }: CareStep,
  reports: readonly CheckReport[],
  acted: StepFollowUp | undefined = undefined,
): JsonObject {
  const [first] = reports;
  const found = reports.reduce((total, { findings }) => total + findings.length, 0);
  const figures = first?.figures ?? {};
  const done = acted?.done.length ?? 0;
  switch (number) {
    case 1:
      return { integrity_check: integrity(reports) };
    case 2:
      return { orphaned_indexes: found, orphaned_indexes_removed: countRemoved(acted, true) };
    case 3:
      return { invalid_indexes: found, invalid_indexes_removed: countRemoved(acted, false) };
    case 4:
      return { stale_advisory_locks: found };
    case 5:
      return { stale_operations: found };
    case 6:
      return { unused_indexes_found: found, unused_indexes_removed: done };
    case 7:
      return {
        index_health: pick(figures, ['healthy', 'bloated', 'underutilized']),
        bloated_indexes_found: found,
        automatic_reindex: automaticReindex(found, acted),
      };
    case 9:
      return {
        statistics_refresh: {
          stale_tables_found: found,
          tables_analyzed: done,
          success: acted?.last?.jobState !== 'FAILED',
        },
      };
    case 10:
      return { redundant_indexes_found: found };
    case 11:
      return { workload_analysis: pick(figures, ['workload_type', 'read_ratio', 'write_ratio']) };
    case 12:
      return { foreign_key_suggestions: { count: found, suggestions: summaries(reports).slice(0, 5) } };
    case 13:
      return {
        concurrent_index_monitoring: pick(figures, ['active_builds', 'hanging_builds']),
        hanging_concurrent_builds: found,
      };
    case 14:
      return { materialized_views: pick(figures, ['count', 'index_suggestions']) };
    default:
      throw new Error(`step ${number} has no checks`);
  }
}

/** Both steps have one task type for it: what it dropped is told apart by the names, `workingCopies` being those of rebuilds. */
function countRemoved(acted: StepFollowUp | undefined, workingCopies: boolean): number {
  const dropped = acted?.done.filter(({ action }) => action === 'drop_index') ?? [];
  return dropped.filter(({ object }) => hasWorkingCopySuffix(object.replace(/"$/, '')) === workingCopies).length;
}

/** What a rebuild sets off is done after the run: `rebuilt` are those since the run before. */
function automaticReindex(found: number, acted: StepFollowUp | undefined): JsonObject {
  const decision = acted?.decision;
  const rebuilt = acted?.done.length ?? 0;
  if (decision?.kind === 'set_off') {
    return { scheduled: found - (acted?.advisedAgainst ?? 0), rebuilt, reason: decision.followUp.reason };
  }
  return { scheduled: 0, rebuilt, reason: decision?.reason ?? 'switched_off' };
}

/** Off is `unknown`, never healthy: checksums that are off are told by the check, and by step 0. */
function integrity(reports: readonly CheckReport[]): JsonObject {
  const issues = summaries(reports);
  const unseen = reports.some(({ unknown }) => unknown.some(({ reason }) => reason !== 'checksums_off'));
  return { status: issues.length > 0 ? 'unhealthy' : unseen ? 'unknown' : 'healthy', issues };
}

function summaries(reports: readonly CheckReport[]): readonly string[] {
  return reports.flatMap(({ findings }) => findings.map(({ summary }) => summary));
}

/** Figures by these names; null where the check could not tell. */
function pick(figures: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, figures[name] ?? null]));
}

/** Step 15. `bypasses` = how many safeguards step 0 found off, overridden or bypassed. */
export function safeguardPart(figures: SafeguardFigures, bypasses: number): JsonObject {
  const { indexAttempts: attempts, indexSuccesses } = figures;
  return {
    safeguard_metrics: {
      index_creation: {
        attempts,
        successes: indexSuccesses,
        success_rate: attempts === 0 ? null : Math.round((1000 * indexSuccesses) / attempts) / 1000,
      },
      rate_limit_triggers: figures.rateLimited,
      cpu_throttle_triggers: figures.loadThrottled,
      lock_acquisition_failures: figures.lockFailures,
      maintenance_window_skips: figures.windowSkips,
      since: figures.since.toISOString(),
    },
    safeguard_status: bypasses === 0 ? 'all_on' : 'some_bypassed',
  };
}

/** A step's result, as its outcome holds it. */
interface PartOfRun {
  readonly key: string;
  readonly startedAt: string;
  readonly failed: boolean;
  /** Why it did not run, or null. */
  readonly skip: JsonObject | null;
  /** What `documentPart` made. */
  readonly part: JsonObject;
}

/** The document of the run, in the shape of the document that the run comes from. */
export function careDocument(parts: readonly PartOfRun[]): JsonObject {
  const byKey = new Map(parts.map((part) => [part.key, part]));
  const ran = parts.filter(({ skip }) => skip === null);
  const failed = ran.filter((part) => part.failed).length;
  const merged: Record<string, JsonObject[string]> = {};
  for (const { key, document } of careSteps) {
    const part = byKey.get(key);
    if (document === null) continue;
    if (part === undefined) merged[document] = { status: 'skipped', reason: 'not reached' };
    else if (part.skip !== null) merged[document] = part.skip;
    else if (part.failed) merged[document] = { status: 'failed', reason: 'see the step of the job' };
    else Object.assign(merged, part.part);
  }
  const { integrity_check = null, ...cleanup } = merged;
  return {
    timestamp: parts[0]?.startedAt ?? null,
    status: ran.length === 0 ? 'skipped' : failed === 0 ? 'success' : failed === ran.length ? 'failed' : 'partial',
    integrity_check:
      integrity_check !== null && 'issues' in Object(integrity_check)
        ? integrity_check
        : { issues: [], ...Object(integrity_check) },
    cleanup,
  };
}
