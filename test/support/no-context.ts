import type { LookContext, Upkeep } from '@slacktide/application/ports';

const noLedger = () => Promise.reject(new Error('expected no task about our own ledger'));

/** A ledger that has nothing to be looked after. */
export const noUpkeep: Upkeep = {
  stuckMessages: async () => ({ messages: [], stuck: 0, waiting: 0 }),
  auditHeads: async () => [],
  auditHash: async () => undefined,
  latestExports: async () => [],
  settleMessage: noLedger,
  verifyAudit: noLedger,
  readChain: async function* () {},
  beginExport: noLedger,
  completeExport: noLedger,
};

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
    effects: async () => [],
    lasted: async () => [],
    gauges: async () => [],
    learned: async () => [],
    followUps: async () => [],
    customTemplate: async () => undefined,
    careLayers: async () => [],
    backups: async () => [],
    rollbackPoints: async () => [],
    watch: async () => undefined,
  },
  standbys: [],
  fileRoots: [],
  customTasks: false,
  upkeep: noUpkeep,
};
