/**
 * Mutation testing of what decides who may act. It changes the files in place and restores them at its end: run it in a clone of its own, with
 * nothing uncommitted. Below 85 % killed it fails.
 */
export const common = {
  testRunner: 'vitest',
  // Named: in pnpm's layout they are not found by their prefix.
  plugins: ['@stryker-mutator/vitest-runner'],
  inPlace: true,
  coverageAnalysis: 'perTest',
  concurrency: 2,
  timeoutMS: 30_000,
  reporters: ['progress-append-only', 'clear-text', 'json'],
  thresholds: { high: 95, low: 90, break: 85 },
};
