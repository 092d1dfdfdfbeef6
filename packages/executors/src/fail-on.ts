import { type FoundFinding, type Severity, severities, type TaskError } from '@slacktide/domain';

/** Why the task fails; undefined = it does not. */
export function failureOf(
  findings: readonly Pick<FoundFinding, 'severity' | 'summary'>[],
  failOn: 'none' | 'warning' | 'critical',
): TaskError | undefined {
  if (failOn === 'none') return undefined;
  const bad = findings
    .filter(({ severity }) => rank(severity) >= rank(failOn))
    .toSorted((a, b) => rank(b.severity) - rank(a.severity));
  const [worst] = bad;
  if (worst === undefined) return undefined;
  const others = bad.length === 1 ? '' : ` (and ${bad.length - 1} more)`;
  return { code: 'findings', message: `${worst.summary}${others}`, detail: { fail_on: failOn, ...bySeverity(bad) } };
}

/** How many there are of each severity. */
export function bySeverity(findings: readonly Pick<FoundFinding, 'severity'>[]): Record<Severity, number> {
  const count = (severity: Severity): number => findings.filter((finding) => finding.severity === severity).length;
  return { info: count('info'), warning: count('warning'), critical: count('critical') };
}

function rank(severity: Severity): number {
  return severities.indexOf(severity);
}
