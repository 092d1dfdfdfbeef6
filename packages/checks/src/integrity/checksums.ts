import type { TargetReader } from '@slacktide/application/ports';
import type { FoundFinding } from '@slacktide/domain';
import type { ChecksumMemory } from './remembered.ts';

/** Checksum failures of the database, or of the relations that all databases share. */
export interface ChecksumCounter {
  readonly scope: 'database' | 'shared';
  /** Null = checksums are off. Starts anew with every reset of the counters. */
  readonly failures: number | null;
  /** Seconds since the epoch; null = none since the reset. */
  readonly lastFailureAt: number | null;
}

const countersSql = `
SELECT CASE WHEN datid = 0 THEN 'shared' ELSE 'database' END AS scope, checksum_failures::float8 AS failures,
  extract(epoch FROM checksum_last_failure)::float8 AS "lastFailureAt"
FROM pg_stat_database WHERE datid = 0 OR datname = current_database() ORDER BY datid DESC`;

/** Anybody may read these. */
export function readChecksums(reader: TargetReader): Promise<ChecksumCounter[]> {
  return reader.query<ChecksumCounter>(countersSql);
}

/** What is known of a counter after this look: what was seen before a reset counts too. */
export function rememberChecksums(
  { failures, lastFailureAt }: ChecksumCounter,
  known: ChecksumMemory | undefined,
  now: Date,
): ChecksumMemory | undefined {
  if (failures === null) return known;
  const added = known === undefined || failures < known.counter ? failures : failures - known.counter;
  return {
    counter: failures,
    total: (known?.total ?? 0) + added,
    lastFailureAt: added > 0 ? (lastFailureAt ?? Math.floor(now.getTime() / 1000)) : (known?.lastFailureAt ?? null),
  };
}

/** What to report of a counter; undefined = nothing. A failure that a reset made the server forget is still reported for a while. */
export function checksumFinding(
  { scope, failures }: ChecksumCounter,
  known: ChecksumMemory | undefined,
  { database, rememberDays, now }: { database: string; rememberDays: number; now: Date },
): FoundFinding | undefined {
  const rememberedUntil = (known?.lastFailureAt ?? 0) + rememberDays * 86_400;
  const recent = (known?.total ?? 0) > 0 && now.getTime() / 1000 < rememberedUntil;
  if ((failures ?? 0) === 0 && !recent) return undefined;
  const total = known?.total ?? failures ?? 0;
  const where = scope === 'database' ? `database ${database}` : 'the relations that all databases share';
  const at = known?.lastFailureAt ?? null;
  const last = at === null ? null : new Date(Math.floor(at) * 1000).toISOString();
  return {
    fingerprint: scope === 'database' ? `database:${database}` : sharedKey,
    severity: 'critical',
    object: {
      kind: scope === 'database' ? 'database' : 'cluster',
      schema: null,
      name: scope === 'database' ? database : sharedKey,
      table: null,
    },
    summary: `${total} pages of ${where} did not match their checksum${last === null ? '' : `, the last one at ${last}`}`,
    evidence: {
      checksum_failures: failures,
      failures_seen: total,
      last_failure_at: last,
      no_action_because: 'the storage is to be examined, and the data copied, before anything is changed',
    },
    action: null,
  };
}

/** What the relations that all databases share are called. */
export const sharedKey = 'shared relations';
