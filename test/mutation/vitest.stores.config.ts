import { defineConfig } from 'vitest/config';

/** The tests of the code on PostgreSQL and Redis that is mutated, on real servers. */
export default defineConfig({
  test: {
    include: [
      'packages/ledger/src/{outbox,task-executions,recoveries,reconciliation}/**/*.test.ts',
      'packages/dispatch/src/target-leases.integration.test.ts',
    ],
    globalSetup: ['./test/support/start-services.ts', './test/support/start-targets.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
