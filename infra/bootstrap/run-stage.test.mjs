import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { runStage } from './run-stage.mjs';

const never = new AbortController().signal;

function stage(source, deadlineMs = 60_000) {
  return { argv: ['-e', source], deadlineMs };
}

it('tells a stage that passed from one that failed', async () => {
  expect(await runStage(stage(''), never)).toMatchObject({ ok: true, why: undefined });
  expect(await runStage(stage('process.exit(3)'), never)).toMatchObject({ ok: false, why: 'exit code 3' });
});

it('ends a stage that takes too long, with everything it started', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'slacktide-stage-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const pidFile = join(dir, 'pid');
  const child = `const c = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
    require('fs').writeFileSync(${JSON.stringify(pidFile)}, String(c.pid)); setInterval(() => {}, 1e6)`;
  const { ok, why } = await runStage(stage(child, 1_500), never);
  expect({ ok, why }).toEqual({ ok: false, why: 'not done after 1.5 s' });
  const pid = Number(readFileSync(pidFile, 'utf8'));
  await vi.waitFor(() => expect(commandLine(pid)).toBe(''));
});

it('ends a stage when the whole is stopped', async () => {
  const stopped = new AbortController();
  const running = runStage(stage('setInterval(() => {}, 1e6)'), stopped.signal);
  stopped.abort('SIGINT');
  expect(await running).toMatchObject({ ok: false, why: 'stopped by SIGINT' });
});

/** Empty for a process that is gone, waited for or not. */
function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
