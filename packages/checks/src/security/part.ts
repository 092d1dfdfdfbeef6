import type { FoundFinding, JsonObject, Severity, SkippedObject, UnknownObject } from '@slacktide/domain';

/** What one part of the scan came to. */
export interface Part {
  readonly checked: number;
  readonly findings: readonly FoundFinding[];
  readonly skipped: readonly SkippedObject[];
  readonly unknown: readonly UnknownObject[];
  readonly unjudged: readonly string[];
}

/** A part with what is given, and else nothing. */
export function part(given: Partial<Part> & { readonly checked: number }): Part {
  return { findings: [], skipped: [], unknown: [], unjudged: [], ...given };
}

interface Advice {
  readonly fingerprint: string;
  readonly severity: Severity;
  readonly object: FoundFinding['object'];
  readonly summary: string;
  readonly evidence: JsonObject;
  /** Why nothing is proposed. */
  readonly because: string;
}

/** A finding for a person to act on. */
export function advice({ because, evidence, ...finding }: Advice): FoundFinding {
  return { ...finding, evidence: { ...evidence, no_action_because: because }, action: null };
}

/** `a, b and c`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** `schema.name`, with quotes where a dot or a quote would make it ambiguous. */
export function dotted(...names: readonly string[]): string {
  return names.map((name) => (/[."]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)).join('.');
}
