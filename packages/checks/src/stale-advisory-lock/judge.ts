import type { CheckSnapshot } from '@slacktide/application/ports';
import type { CheckReport, FoundFinding, SkippedObject, UnknownObject } from '@slacktide/domain';
import { matchesAny } from '../catalogue/name-pattern.ts';
import { abandonedPrepared, abandonedSession, type Held } from './finding.ts';
import { groupLocks } from './group-locks.ts';
import type { AdvisoryLockFacts, HeldLock } from './read.ts';
import type { StaleAdvisoryLockConfig } from './schema.ts';

/** First sightings that are kept from look to look. */
const mostSightings = 1_000;

type Verdict =
  | { readonly kind: 'in use' }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string; readonly grant: string | null }
  | { readonly kind: 'stale' };

/** Judges who holds what now; `earlier` is what the last look left, which only tells since when a lock has been seen. */
export function judgeAdvisoryLocks(
  facts: AdvisoryLockFacts,
  earlier: CheckSnapshot | undefined,
  now: Date,
  config: StaleAdvisoryLockConfig,
): CheckReport {
  const skipped: SkippedObject[] = [];
  const unknown: UnknownObject[] = [];
  const findings: FoundFinding[] = [];
  const sightings = new Map<string, string>();
  const before = sightingsOf(earlier);
  let checked = 0;
  const isIgnored = ({ key }: HeldLock): boolean => matchesAny(key, config.ignore_keys);
  for (const { name } of groupLocks(facts.locks.filter(isIgnored)))
    skipped.push({ object: name, reason: 'ignored_key' });
  for (const group of groupLocks(facts.locks.filter((lock) => !isIgnored(lock)))) {
    const verdict = judge(group, facts, config);
    const object = group.name;
    if (verdict.kind === 'skipped') {
      skipped.push({ object, reason: verdict.reason });
      continue;
    }
    if (verdict.kind === 'unknown') {
      unknown.push({ object, reason: verdict.reason, grant: verdict.grant });
      continue;
    }
    checked += group.keys.length;
    const firstSeenAt = before.get(group.fingerprint) ?? now.toISOString();
    if (sightings.size < mostSightings) sightings.set(group.fingerprint, firstSeenAt);
    if (verdict.kind === 'in use') continue;
    findings.push(
      group.session === null
        ? abandonedPrepared(group, group.prepared, firstSeenAt)
        : abandonedSession(group, group.session, firstSeenAt, facts.signalGrant),
    );
  }
  return {
    check: 'stale_advisory_lock',
    checked,
    skipped,
    unknown,
    findings,
    unjudged: [],
    figures: { held: facts.locks.length, waiting: facts.waiting },
    snapshot: { first_seen_at: Object.fromEntries(sightings) },
  };
}

function judge(group: Held, facts: AdvisoryLockFacts, config: StaleAdvisoryLockConfig): Verdict {
  if (group.session === null) return group.prepared.seconds > config.stale_after_seconds ? stale : inUse;
  const { applicationName, user, hidden, backendType, state, stateSeconds } = group.session;
  if (matchesAny(applicationName, config.ignore_applications))
    return { kind: 'skipped', reason: 'ignored_application' };
  if (matchesAny(user, config.ignore_roles)) return { kind: 'skipped', reason: 'ignored_role' };
  if (hidden) return { kind: 'unknown', reason: 'state_hidden', grant: facts.readStatsGrant };
  if (backendType !== 'client backend') return { kind: 'skipped', reason: 'not_a_client' };
  if (state === null || state === 'disabled' || stateSeconds === null) {
    return { kind: 'unknown', reason: 'track_activities_off', grant: null };
  }
  return state.startsWith('idle') && stateSeconds > config.stale_after_seconds ? stale : inUse;
}

const stale: Verdict = { kind: 'stale' };
const inUse: Verdict = { kind: 'in use' };

function sightingsOf(earlier: CheckSnapshot | undefined): Map<string, string> {
  const kept = earlier?.values['first_seen_at'];
  if (typeof kept !== 'object' || kept === null || Array.isArray(kept)) return new Map();
  return new Map(Object.entries(kept).flatMap(([key, at]) => (typeof at === 'string' ? [[key, at] as const] : [])));
}
