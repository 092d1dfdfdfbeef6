import type { CheckSnapshot } from '@slacktide/application/ports';
import type { CheckReport } from '@slacktide/domain';
import type { ReplicationFacts } from './facts.ts';
import { judgeSenders } from './judge-senders.ts';
import { judgeSlots } from './judge-slots.ts';
import { judgeStandbys } from './judge-standbys.ts';
import { judgeSubscriptions } from './judge-subscriptions.ts';
import { judgeSync } from './judge-sync.ts';
import { inactiveSeconds, recall, remember } from './memory.ts';
import { fine, joinParts } from './part.ts';
import type { ReplicationConfig } from './schema.ts';

/** Judges a server and everything that replicates from or to it. `earlier` = what the last look left. */
export function judgeReplication(
  facts: ReplicationFacts,
  earlier: CheckSnapshot | undefined,
  now: Date,
  config: ReplicationConfig,
): CheckReport {
  const { server, senders, slots, subscriptions, standbys } = facts;
  const memory = recall(earlier);
  return {
    check: 'replication',
    ...joinParts([
      // The server itself: that nothing replicates is known, not overlooked.
      fine,
      judgeSenders(senders, server, config),
      judgeSync(senders, server),
      judgeSlots(slots, inactiveSeconds(facts, memory, now), config),
      judgeSubscriptions(subscriptions, memory.errors, server),
      judgeStandbys(facts, memory.conflicts, config),
    ]),
    unjudged: [],
    figures: {
      role: server.inRecovery ? 'standby' : 'primary',
      timeline: server.timeline,
      connected: senders.length,
      streaming: senders.filter(({ state }) => state === 'streaming').length,
      largest_lag_bytes: Math.max(0, ...senders.map(({ replayLagBytes }) => replayLagBytes ?? 0)),
      slots: slots.length,
      inactive_slots: slots.filter(({ active }) => !active).length,
      most_retained_bytes: Math.max(0, ...slots.map(({ retainedBytes }) => retainedBytes ?? 0)),
      subscriptions: subscriptions.length,
      expected_standbys: standbys.length,
      unreachable_standbys: standbys.filter(({ facts: standby }) => standby === null).length,
    },
    snapshot: remember(facts, memory, now),
  };
}
