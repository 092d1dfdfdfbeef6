import { common } from './common.mjs';

/** Fences, outbox and recovery in the ledger, leases in Redis. */
export default {
  ...common,
  vitest: { configFile: 'test/mutation/vitest.stores.config.ts', related: true },
  jsonReporter: { fileName: 'reports/mutation/stores.json' },
  mutate: [
    'packages/ledger/src/task-executions/{claim,claim-facts,take,gate,held-task,move,record-intent,release,renew,finish,finalise}.ts',
    'packages/ledger/src/outbox/{add-to-outbox,outbox-queue,retry-delay}.ts',
    'packages/ledger/src/recoveries/{take-over,redrive,postpone,lock-task,list-expired}.ts',
    'packages/ledger/src/reconciliation/rebuild.ts',
    'packages/dispatch/src/target-leases.ts',
  ],
};
