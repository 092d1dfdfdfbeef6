import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { failedTests, testCounts } from './test-counts.mjs';

function report(content) {
  const dir = mkdtempSync(join(tmpdir(), 'slacktide-report-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'report.json');
  if (content !== undefined) writeFileSync(file, JSON.stringify(content));
  return file;
}

it('counts the tests of a report', () => {
  expect(testCounts(report({ numPassedTests: 12, numFailedTests: 0 }), true)).toEqual({ passed: 12, failed: 0 });
  expect(testCounts(report({ numPassedTests: 12, numFailedTests: 3 }), false)).toEqual({ passed: 12, failed: 3 });
});

it('counts a run that failed without a failed test as one failure', () => {
  expect(testCounts(report({ numPassedTests: 12, numFailedTests: 0 }), false)).toEqual({ passed: 12, failed: 1 });
});

it('counts a run that left no report as one failure', () => {
  expect(testCounts(report(undefined), false)).toEqual({ passed: 0, failed: 1 });
});

it('names what failed, and why, in a line each', () => {
  const passed = { fullName: 'adds', status: 'passed', failureMessages: [] };
  const failed = { fullName: 'sums carries', status: 'failed', failureMessages: ['Error: 1 is not 2\n    at sum'] };
  const content = {
    testResults: [
      { name: '/project/a.test.ts', status: 'failed', message: '', assertionResults: [passed, failed] },
      { name: '/project/b.test.ts', status: 'failed', message: 'no such module\nb', assertionResults: [] },
      { name: '/project/c.test.ts', status: 'passed', message: '', assertionResults: [passed] },
    ],
  };
  expect(failedTests(report(content), '/project')).toEqual([
    'a.test.ts > sums carries: Error: 1 is not 2',
    'b.test.ts: no such module',
  ]);
  expect(failedTests(report(undefined), '/project')).toEqual([]);
});
