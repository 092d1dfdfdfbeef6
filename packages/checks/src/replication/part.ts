import type { CheckReport, FindingObject, JsonObject, Severity } from '@slacktide/domain';

/** What one side of replication contributes to the report. */
export type Part = Pick<CheckReport, 'checked' | 'skipped' | 'unknown' | 'findings'>;

export const nothing: Part = { checked: 0, skipped: [], unknown: [], findings: [] };

/** One object looked at, and all is well. */
export const fine: Part = { ...nothing, checked: 1 };

export function joinParts(parts: readonly Part[]): Part {
  return {
    checked: parts.reduce((sum, { checked }) => sum + checked, 0),
    skipped: parts.flatMap(({ skipped }) => skipped),
    unknown: parts.flatMap(({ unknown }) => unknown),
    findings: parts.flatMap(({ findings }) => findings),
  };
}

export const skip = (object: string, reason: string): Part => ({ ...nothing, skipped: [{ object, reason }] });

export const notKnown = (object: string, reason: string, grant: string | null): Part => ({
  ...nothing,
  unknown: [{ object, reason, grant }],
});

/** A finding about the object of that kind and name, which is its fingerprint too. There is never anything safe to do. */
export function found(
  kind: 'standby' | 'slot' | 'cluster' | 'subscription',
  name: string,
  finding: {
    readonly severity: Severity;
    readonly summary: string;
    readonly evidence: JsonObject;
    readonly why: string;
  },
): Part {
  const object: FindingObject = { kind, schema: null, name, table: null };
  const { severity, summary, evidence, why } = finding;
  return {
    ...fine,
    findings: [
      {
        fingerprint: name,
        severity,
        object,
        summary,
        evidence: { ...evidence, no_action_because: why },
        action: null,
      },
    ],
  };
}

export const bytesPerMb = 2 ** 20;
