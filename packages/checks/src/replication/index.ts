import type { Check } from '../check.ts';
import { judgeReplication } from './judge.ts';
import { readSenders, readServer, readSlots } from './read-server.ts';
import { readExpectedStandbys, readStandby } from './read-standby.ts';
import { readSubscriptions } from './read-subscriptions.ts';
import { checkType, type ReplicationConfig } from './schema.ts';

export const replication: Check<ReplicationConfig> = {
  type: checkType,
  async run({ reader, memory, standbys, now }, config) {
    const [earlier] = await memory.snapshots('replication', { limit: 1 });
    // The server before its standbys: what they have got by then is not held against them.
    const server = await readServer(reader);
    const facts = {
      server,
      itself: server.inRecovery ? await readStandby(reader) : null,
      senders: await readSenders(reader),
      slots: await readSlots(reader),
      subscriptions: await readSubscriptions(reader),
      standbys: await readExpectedStandbys(standbys),
    };
    return judgeReplication(facts, earlier, now, config);
  },
};
