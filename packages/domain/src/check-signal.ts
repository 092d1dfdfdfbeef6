import { type CheckName, type CheckReport, type FoundFinding, type Severity, severities } from './finding.ts';

/** How a check leaves its target, for the health report. */
export interface CheckSignal {
  readonly status: 'HEALTHY' | 'DEGRADED' | 'UNHEALTHY';
  readonly message: string;
}

/** Checks whose warnings are about harm that grows, or a safety net that is not there; those of the others are chances to do better. */
const degradingWarnings: readonly CheckName[] = [
  'integrity',
  'invalid_constraint',
  'invalid_index',
  'stale_operation',
  'hanging_index_build',
  'wraparound',
  'wal_archiving',
  'replication',
];

/**
 * What is said of a target after a check; `findings` are those open and not muted, whether this report found them or could not judge them. Null =
 * nothing: the check judged nothing, and only time will tell. Where rights are missing to judge anything, that is a fault.
 */
export function checkSignal(
  targetName: string,
  report: Pick<CheckReport, 'check' | 'checked' | 'unknown' | 'unjudged'>,
  findings: readonly Pick<FoundFinding, 'severity' | 'summary'>[],
): CheckSignal | null {
  const sawNothing = report.checked === 0 && (report.unknown.length > 0 || report.unjudged === 'all');
  if (sawNothing && findings.length === 0) return blind(targetName, report);
  const worstFirst = findings.toSorted((a, b) => rank(b.severity) - rank(a.severity));
  const parts = [found(worstFirst) ?? nothingFound(report)];
  const unknown = report.unknown.length;
  if (unknown > 0) parts.push(`${objects(unknown)} could not be judged`);
  return { status: statusOf(report.check, worstFirst[0]?.severity), message: `${targetName}: ${parts.join('; ')}` };
}

function blind(targetName: string, { unknown }: Pick<CheckReport, 'unknown'>): CheckSignal | null {
  const curable = unknown.find(({ grant }) => grant !== null);
  if (curable === undefined) return null;
  const message = `${targetName}: nothing could be judged: ${curable.reason}; cure: ${curable.grant}`;
  return { status: 'DEGRADED', message };
}

function statusOf(check: CheckName, worst: Severity | undefined): CheckSignal['status'] {
  if (worst === 'critical') return check === 'integrity' ? 'UNHEALTHY' : 'DEGRADED';
  return worst === 'warning' && degradingWarnings.includes(check) ? 'DEGRADED' : 'HEALTHY';
}

function found(worstFirst: readonly Pick<FoundFinding, 'severity' | 'summary'>[]): string | undefined {
  const [worst] = worstFirst;
  if (worst === undefined) return undefined;
  const count = (severity: Severity): number => worstFirst.filter((finding) => finding.severity === severity).length;
  const severe = (['critical', 'warning'] as const).flatMap((severity) =>
    count(severity) === 0 ? [] : [`${count(severity)} ${severity}`],
  );
  const total = `${worstFirst.length} finding${worstFirst.length === 1 ? '' : 's'}`;
  return `${total}${severe.length === 0 ? '' : ` (${severe.join(', ')})`}: ${worst.summary}`;
}

/** Law 8: an empty answer says what it rests on. */
function nothingFound({ checked, unjudged }: Pick<CheckReport, 'checked' | 'unjudged'>): string {
  return unjudged === 'all' ? 'nothing could be judged' : `nothing found in ${objects(checked)}`;
}

function objects(count: number): string {
  return `${count} object${count === 1 ? '' : 's'}`;
}

function rank(severity: Severity): number {
  return severities.indexOf(severity);
}
