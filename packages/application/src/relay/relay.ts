import type { OutboxBatch, OutboxQueue } from '../ports/index.ts';
import { type RelayDeps, relayOutbox } from './relay-outbox.ts';

/** Messages of one transaction: each is a call to Redis, and its row is locked meanwhile. */
const batchSize = 50;
/**
 * Batches on their way at once when there is more than one: while one waits for Redis, another is read or deleted. One takes the oldest messages and one the
 * newest, so that who asks for something now does not wait until a burst of a hundred thousand is through.
 */
const bothEnds = ['oldest', 'newest'] as const;

/** What a run of the relay came to. */
export interface RelayRun {
  readonly relayed: number;
  readonly failed: number;
  /** Redis was away: nothing more was tried. */
  readonly isAway: boolean;
  /** There may be more that is due: a run is bounded, so that whoever stops us need not wait for a burst to be through. */
  readonly hasMore: boolean;
}

/** Rounds of a run. */
const roundsInRun = 20;

export interface OutboxRelay {
  /** Relays until nothing is due, or a good many batches are through. */
  run(): Promise<RelayRun>;
}

/**
 * The relay as a whole. While Redis is away it only knocks: no message is touched, so none grows a delay of its own, and the ledger is not
 * asked again and again for rows that cannot go anywhere. When Redis answers again, everything that waits is due at once.
 */
export function createRelay(
  deps: RelayDeps & {
    readonly outbox: Pick<OutboxQueue, 'retryAll'>;
    /** Resolves when Redis takes commands; rejects while it is away. */
    readonly knock: () => Promise<void>;
  },
): OutboxRelay {
  let isAway = false;

  const comeBack = async (): Promise<boolean> => {
    const answers = await deps.knock().then(
      () => true,
      () => false,
    );
    if (answers) await deps.outbox.retryAll();
    return answers;
  };
  const relayBatches = async (ends: readonly ('oldest' | 'newest')[]): Promise<OutboxBatch> => {
    // All of them are waited for, also when one rejects: the next run must not overlap with what is left of this one.
    const settled = await Promise.allSettled(ends.map((end) => relayOutbox(deps, batchSize, end)));
    const batches = settled.map((batch) => {
      if (batch.status === 'rejected') throw batch.reason;
      return batch.value;
    });
    const sum = (of: keyof OutboxBatch): number => batches.reduce((total, batch) => total + batch[of], 0);
    return { relayed: sum('relayed'), failed: sum('failed'), away: sum('away') };
  };

  return {
    async run() {
      if (isAway && !(await comeBack())) return { relayed: 0, failed: 0, isAway, hasMore: false };
      isAway = false;
      let [relayed, failed] = [0, 0];
      let ends: readonly ('oldest' | 'newest')[] = ['oldest'];
      for (let round = 0; round < roundsInRun; round++) {
        const batch = await relayBatches(ends);
        relayed += batch.relayed;
        failed += batch.failed;
        isAway = batch.away > 0;
        // A batch that is not full may have held back what comes next for the same job or schedule.
        if (isAway || batch.relayed === 0) return { relayed, failed, isAway, hasMore: false };
        ends = batch.relayed >= batchSize ? bothEnds : ['oldest'];
      }
      return { relayed, failed, isAway, hasMore: true };
    },
  };
}
