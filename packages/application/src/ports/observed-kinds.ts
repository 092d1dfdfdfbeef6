/** What is watched over time. */
export const observedKinds = ['cluster', 'database', 'table', 'index', 'sequence'] as const;
export type ObservedKind = (typeof observedKinds)[number];

/** Whose history of which gauge. */
export interface GaugeFilter {
  readonly kind: ObservedKind;
  /** E.g. `size_bytes`, `waste_percent`, `xid_age`, `used_percent`. */
  readonly gauge: string;
  /** How far back. */
  readonly days: number;
  /** Objects whose latest value is less are left out. */
  readonly atLeast: number;
  /** Most objects, those with the largest values. */
  readonly limit: number;
}

/** A gauge of one object over time, on the primary, oldest first; of the last week by the hour, before by the day. */
export interface GaugeHistory {
  readonly name: string;
  readonly oid: number;
  readonly readings: readonly { readonly at: Date; readonly value: number }[];
}
