import type { LookContext } from '@slacktide/application/ports';

/** A target of which the ledger remembers nothing, without standbys. */
export const noContext: LookContext = {
  memory: {
    now: async () => new Date(),
    snapshots: async () => [],
    usage: async () => [],
    lastRuns: async () => new Map(),
    safeguards: async () => ({
      since: new Date(),
      indexAttempts: 0,
      indexSuccesses: 0,
      rateLimited: 0,
      loadThrottled: 0,
      lockFailures: 0,
      windowSkips: 0,
      schedulesWithoutWindow: [],
    }),
    careLayers: async () => [],
  },
  standbys: [],
};
