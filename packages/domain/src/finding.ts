import type { JsonObject } from './json.ts';
import type { SafetyClass } from './task-type.ts';

/** Every check there is, by the name that findings, the API and the documentation use. */
export const checkNames = [
  'integrity',
  'invalid_constraint',
  'invalid_index',
  'orphaned_index',
  'stale_advisory_lock',
  'stale_operation',
  'unused_index',
  'duplicate_index',
  'redundant_index',
  'index_bloat',
  'table_bloat',
  'missing_fk_index',
  'hanging_index_build',
  'matview_index',
  'stale_statistics',
  'wraparound',
  'workload',
  'slow_query_pattern',
  'wal_archiving',
  'replication',
  'security',
  'schema_drift',
  'checkpoint_pressure',
  'cache_hit_ratio',
  'disk_space',
] as const;
export type CheckName = (typeof checkNames)[number];

/** Checks that compare with more than their latest run; of the others only the latest snapshot is kept. */
export const checksWithSeries: readonly CheckName[] = [
  'hanging_index_build',
  'wraparound',
  'workload',
  'slow_query_pattern',
  'checkpoint_pressure',
  'cache_hit_ratio',
  'disk_space',
];

/** How bad it is: worth knowing, worth doing, or harmful now. */
export const severities = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** `muted` findings are still watched, but raise no alert until the mute ends. */
export const findingStates = ['open', 'resolved', 'muted'] as const;
export type FindingState = (typeof findingStates)[number];

/** What a finding is about. Names as the catalogue has them, unquoted. */
export interface FindingObject {
  /** E.g. `index`, `table`, `constraint`, `session`, `role`, `database`, `cluster`. */
  readonly kind: string;
  readonly schema: string | null;
  readonly name: string;
  /** Name of the table it belongs to, in the same schema; null where it belongs to none. */
  readonly table: string | null;
}

/** What would cure it. Statements are complete, quoted by the server (law 11), and each is sent alone. */
export interface FindingAction {
  readonly sql: readonly string[];
  /** Brings back what `sql` removes; empty when nothing has to be, or can be, brought back. */
  readonly rollbackSql: readonly string[];
  /** Strongest table lock, as PostgreSQL names it, e.g. `SHARE UPDATE EXCLUSIVE`; null = none. */
  readonly lockMode: string | null;
  readonly class: SafetyClass;
}

/** What one run of a check found about one object. */
export interface FoundFinding {
  /** The same thing found again has the same one: made of names, never of OIDs or figures. Unique per target and check. */
  readonly fingerprint: string;
  readonly severity: Severity;
  readonly object: FindingObject;
  /** One sentence for a person, with names and figures. */
  readonly summary: string;
  /** The figures and facts the judgement rests on, keys in snake_case. */
  readonly evidence: JsonObject;
  /** Null where there is nothing safe to propose. */
  readonly action: FindingAction | null;
}

/** An object a check left out, by its rule; its open findings count as gone. */
export interface SkippedObject {
  /** Its `objectKey`: `schema.name`, unquoted, or another name that tells which. */
  readonly object: string;
  readonly reason: string;
}

/** An object a check could not judge; its open findings stay as they are. */
export interface UnknownObject extends SkippedObject {
  /** What would cure it; null where no GRANT does. */
  readonly grant: string | null;
}

/** What one run of a check came to (law 8): never "healthy" by mere emptiness. */
export interface CheckReport {
  readonly check: CheckName;
  /** How many objects were judged. */
  readonly checked: number;
  readonly skipped: readonly SkippedObject[];
  readonly unknown: readonly UnknownObject[];
  readonly findings: readonly FoundFinding[];
  /** Object keys (`objectKey`) that exist but were not judged this time, besides those in `unknown`; `all` = nothing could be judged. */
  readonly unjudged: readonly string[] | 'all';
  /** What the check measured as a whole, keys in snake_case. */
  readonly figures: JsonObject;
  /** Kept for later runs of this check on this target: counters, first sightings. Left out = nothing is kept. */
  readonly snapshot?: JsonObject;
}

/** How skipped, unknown and unjudged objects are matched with findings: `schema.name`, unquoted. */
export function objectKey(object: Pick<FindingObject, 'schema' | 'name'>): string {
  return object.schema === null ? object.name : `${object.schema}.${object.name}`;
}
