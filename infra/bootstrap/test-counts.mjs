import { readFileSync } from 'node:fs';

/**
 * How many tests a vitest JSON report counts. A stage that failed without a failed test (a file that does not load, a
 * teardown that throws, no report at all) counts as one failure, so that a sum of 0 failed means what it says.
 */
export function testCounts(reportFile, ok) {
  let passed = 0;
  let failed = 0;
  try {
    const report = JSON.parse(readFileSync(reportFile, 'utf8'));
    passed = report.numPassedTests;
    failed = report.numFailedTests;
  } catch {
    // Written at the end of a run only.
  }
  return { passed, failed: failed === 0 && !ok ? 1 : failed };
}
