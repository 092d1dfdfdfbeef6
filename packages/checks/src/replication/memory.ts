import type { CheckSnapshot } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import type { ReplicationFacts } from './facts.ts';
import { itselfName } from './judge-standbys.ts';

/** What is kept from look to look, each by name. */
export interface ReplicationMemory {
  /** Since when a slot has been seen without a reader. */
  readonly inactiveSince: ReadonlyMap<string, string>;
  readonly errors: ReadonlyMap<string, number>;
  readonly conflicts: ReadonlyMap<string, number>;
}

export function recall(earlier: CheckSnapshot | undefined): ReplicationMemory {
  const entries = <T>(key: string, is: (value: unknown) => value is T): Map<string, T> =>
    new Map(
      Object.entries(Object(earlier?.values[key] ?? {})).flatMap(([name, value]) => (is(value) ? [[name, value]] : [])),
    );
  return {
    inactiveSince: entries('inactive_since', (value) => typeof value === 'string'),
    errors: entries('errors', (value) => typeof value === 'number'),
    conflicts: entries('conflicts', (value) => typeof value === 'number'),
  };
}

/** How long ago a slot's reader went: as the server says (17), else since we have seen it so. */
export function inactiveSeconds(facts: ReplicationFacts, memory: ReplicationMemory, now: Date): Map<string, number> {
  return new Map(
    facts.slots
      .filter(({ active }) => !active)
      .map(({ name, inactiveSeconds: told }) => {
        const since = memory.inactiveSince.get(name);
        const seen = since === undefined ? 0 : (now.getTime() - Date.parse(since)) / 1_000;
        return [name, Math.max(told ?? 0, seen)];
      }),
  );
}

/** What the next look has to know. A standby that could not be read keeps what it had. */
export function remember(facts: ReplicationFacts, memory: ReplicationMemory, now: Date): JsonObject {
  const standbys = [...facts.standbys, { name: itselfName, facts: facts.itself }];
  return {
    inactive_since: Object.fromEntries(
      facts.slots
        .filter(({ active, temporary }) => !active && !temporary)
        .map(({ name }) => [name, memory.inactiveSince.get(name) ?? now.toISOString()]),
    ),
    errors: Object.fromEntries(facts.subscriptions.map(({ name, errors }) => [name, errors ?? 0])),
    conflicts: Object.fromEntries(
      standbys.flatMap(({ name, facts: standby }) => {
        const conflicts = standby?.conflicts ?? memory.conflicts.get(name);
        return conflicts === undefined ? [] : [[name, conflicts]];
      }),
    ),
  };
}
