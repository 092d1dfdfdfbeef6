import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

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

/**
 * A line for each test that failed: its file (relative to `root`), its full name and the first line of why. What did not
 * even load has the file alone. Empty where there is no report.
 */
export function failedTests(reportFile, root) {
  try {
    const report = JSON.parse(readFileSync(reportFile, 'utf8'));
    return report.testResults.flatMap((file) => linesOf(file, relative(root, file.name)));
  } catch {
    return [];
  }
}

function linesOf(file, name) {
  const failed = file.assertionResults.filter(({ status }) => status === 'failed');
  if (failed.length === 0) return file.status === 'failed' ? [`${name}: ${firstLine(file.message)}`] : [];
  return failed.map((test) => `${name} > ${test.fullName}: ${firstLine(test.failureMessages[0])}`);
}

function firstLine(text) {
  return (text ?? '').trimStart().split('\n', 1)[0];
}
