#!/usr/bin/env node
// What `npm test` runs: every stage, also after one failed. The very last line is `N passed, N failed`: the tests of all
// suites, with each static stage as one. The exit code is not 0 when anything failed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { runStage } from './run-stage.mjs';
import { failedTests, testCounts } from './test-counts.mjs';

const minuteMs = 60_000;
const reports = mkdtempSync(join(tmpdir(), 'slacktide-verify-'));

/** A check that passes or fails as a whole. */
function check(name, argv) {
  return {
    name,
    argv,
    deadlineMs: 1.5 * minuteMs,
    count: (ok) => (ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }),
    failures: () => [],
  };
}

/** One vitest project. */
function suite(name, deadlineMs) {
  const report = join(reports, `${name}.json`);
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', name];
  const argv = [...vitest, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const count = (ok) => testCounts(report, ok);
  return { name, argv, deadlineMs, count, failures: () => failedTests(report, root) };
}

// Deadlines are for what hangs: the whole takes some fifty minutes on two idle cores, and twice that on busy ones.
const stages = [
  check('format and lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']),
  check('architecture', ['infra/bootstrap/check-architecture.mjs']),
  check('types', ['node_modules/@typescript/native/bin/tsc', '--noEmit', '-p', 'tsconfig.json']),
  suite('unit', 3 * minuteMs),
  suite('integration', 40 * minuteMs),
  suite('checks', 18 * minuteMs),
  suite('e2e', 12 * minuteMs),
  // Fifteen minutes on two idle cores.
  suite('faults', 25 * minuteMs),
];

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stopped.abort(signal));
// Whoever started us is dead.
process.on('disconnect', () => stopped.abort('SIGHUP'));

process.chdir(root);
const results = [];
try {
  for (const stage of stages) {
    if (stopped.signal.aborted) break;
    console.log(`\n━━ ${stage.name}`);
    const { ok, why, seconds } = await runStage(stage, stopped.signal);
    results.push({ name: stage.name, ok, seconds, ...stage.count(ok), failures: stage.failures() });
    console.log(`━━ ${stage.name}: ${ok ? 'passed' : `FAILED (${why})`} in ${seconds.toFixed(1)} s`);
  }
} finally {
  rmSync(reports, { recursive: true, force: true });
}

const sum = (key) => results.reduce((total, result) => total + result[key], 0);
const missing = stages.length - results.length;
console.log('');
// Last, so that the end of a log is enough to see what to look at.
for (const { name, failures } of results) for (const line of failures) console.log(`failed in ${name}: ${line}`);
for (const { name, ok, passed, failed, seconds } of results) {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(16)} ${passed} passed, ${failed} failed, ${seconds.toFixed(1)} s`);
}
if (missing > 0) console.log(`stopped by ${stopped.signal.reason}: ${missing} stages did not run`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exit(missing > 0 || results.some(({ ok }) => !ok) ? 1 : 0);
