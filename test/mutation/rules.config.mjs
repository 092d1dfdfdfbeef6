import { common } from './common.mjs';

/** States, claims and recovery as they are decided; leases as they are kept. */
export default {
  ...common,
  vitest: { configFile: 'test/mutation/vitest.rules.config.ts', related: true },
  jsonReporter: { fileName: 'reports/mutation/rules.json' },
  mutate: [
    'packages/domain/src/{next-state,decide-claim,decide-recovery,job-outcome}.ts',
    'packages/application/src/task/{keep-lease,lease-times,stuck-guard}.ts',
  ],
};
