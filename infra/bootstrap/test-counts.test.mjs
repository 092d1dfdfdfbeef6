import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { testCounts } from './test-counts.mjs';

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
