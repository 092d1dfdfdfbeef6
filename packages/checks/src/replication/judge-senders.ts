import { byteText } from '../catalogue/byte-text.ts';
import { describeAge } from '../catalogue/sessions.ts';
import type { Sender, ServerFacts } from './facts.ts';
import { bytesPerMb, fine, found, joinParts, notKnown, type Part, skip } from './part.ts';
import type { ReplicationConfig } from './schema.ts';

/** Judges standbys as their primary sees them, by application_name. Those that share one are judged by the one that lacks most. */
export function judgeSenders(senders: readonly Sender[], server: ServerFacts, config: ReplicationConfig): Part {
  const byName = new Map<string, Sender[]>();
  for (const sender of senders) {
    const name = `standby ${sender.applicationName}`;
    const others = byName.get(name);
    if (others === undefined) byName.set(name, [sender]);
    else others.push(sender);
  }
  return joinParts([...byName].map(([name, group]) => judgeGroup(name, group, server, config)));
}

function judgeGroup(name: string, group: readonly Sender[], server: ServerFacts, config: ReplicationConfig): Part {
  const standbys = group.filter(({ slotType, state }) => slotType !== 'logical' && state !== 'backup');
  const [worst] = standbys.toSorted((a, b) => (b.replayLagBytes ?? 0) - (a.replayLagBytes ?? 0));
  if (worst === undefined)
    return skip(name, group.some(({ state }) => state === 'backup') ? 'base_backup' : 'logical_consumer');
  if (standbys.some(({ hidden }) => hidden)) return notKnown(name, 'insufficient_privilege', server.readStatsGrant);
  const lagBytes = Math.max(0, worst.replayLagBytes ?? 0);
  const lagSeconds = lagBytes === 0 ? 0 : (worst.replayLagSeconds ?? 0);
  const part = { ...fine, checked: standbys.length };
  if (lagBytes <= config.max_lag_mb * bytesPerMb && lagSeconds <= config.max_lag_seconds) return part;
  return {
    ...found('standby', name, {
      severity: 'warning',
      summary: `Standby "${worst.applicationName}" (${worst.state}) lacks ${byteText(lagBytes)} of WAL and is ${describeAge(lagSeconds)} behind`,
      why: 'the cause is the network, the disk of the standby, or a query on it',
      evidence: {
        problems: ['behind'],
        application: worst.applicationName,
        user: worst.user,
        client_address: worst.clientAddress,
        state: worst.state,
        sync_state: worst.syncState,
        sent_lag_bytes: worst.sentLagBytes,
        flush_lag_bytes: worst.flushLagBytes,
        replay_lag_bytes: worst.replayLagBytes,
        replay_lag_seconds: lagSeconds,
        silent_seconds: worst.silentSeconds === null ? null : Math.floor(worst.silentSeconds),
        standbys_of_this_name: standbys.length,
      },
    }),
    checked: standbys.length,
  };
}
