import { defineConfig } from 'vitest/config';

const services = './test/support/start-services.ts';
const targets = './test/support/start-targets.ts';
const checks = ['packages/checks/src/**/*.integration.test.ts', 'test/conformance/checks/**/*.test.ts'];
const ignored = ['**/node_modules/**', '.slacktide/**'];

export default defineConfig({
  test: {
    // More than two cores have: most of the integration tests wait for a server most of the time, and some have a deadline there.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'unit',
          // Nothing here keeps state in modules: loading them once for each worker takes a third of the time.
          isolate: false,
          include: [
            '{packages,apps}/*/src/**/*.test.ts',
            'infra/local/src/**/*.test.ts',
            'infra/bootstrap/*.test.mjs',
            'test/faults/failpoint-census.test.ts',
            'test/faults/harness/**/*.test.ts',
            'test/load/harness/**/*.test.ts',
          ],
          exclude: [...ignored, '**/*.integration.test.ts'],
        },
      },
      {
        test: {
          name: 'integration',
          include: [
            '{packages,apps}/*/src/**/*.integration.test.ts',
            'infra/local/src/**/*.integration.test.ts',
            'test/{conformance,support}/**/*.test.ts',
          ],
          exclude: [...ignored, ...checks],
          globalSetup: [services, targets],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 20_000 } },
        },
      },
      {
        test: {
          // Checks on databases under care: every major, and servers that tests damage, fill up and cut off.
          name: 'checks',
          include: checks,
          exclude: ignored,
          globalSetup: targets,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 20_000 } },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/load/*.test.ts'],
          exclude: ignored,
          globalSetup: services,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/faults.test.ts', 'test/faults/injectors/**/*.test.ts'],
          exclude: ignored,
          // Cases share two servers, and crash them.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
