import { defineConfig } from 'vitest/config';

/** The tests of the pure code that is mutated: milliseconds each. */
export default defineConfig({
  test: {
    include: [
      'packages/domain/src/{next-state,decide-claim,decide-recovery,job-outcome}.test.ts',
      'packages/application/src/task/{keep-lease,lease-times,stuck-guard}.test.ts',
    ],
  },
});
