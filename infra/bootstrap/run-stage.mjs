import { spawn } from 'node:child_process';

const patienceMs = 15_000;

/**
 * Runs one stage in a process group of its own and returns when nothing of that group is left. Over its deadline, or when
 * `stopped` fires, the group gets SIGTERM, and SIGKILL if it is still there after `patienceMs`.
 */
export async function runStage({ argv, deadlineMs }, stopped) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, argv, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
  const guard = startGuard(child.pid);
  let why;
  let killer;
  const stop = (reason) => {
    why ??= reason;
    signalGroup(child.pid, 'SIGTERM');
    killer ??= setTimeout(() => signalGroup(child.pid, 'SIGKILL'), patienceMs);
  };
  const onStopped = () => stop(`stopped by ${stopped.reason}`);
  const deadline = setTimeout(() => stop(`not done after ${deadlineMs / 1000} s`), deadlineMs);
  stopped.addEventListener('abort', onStopped, { once: true });
  const exit = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  clearTimeout(deadline);
  clearTimeout(killer);
  stopped.removeEventListener('abort', onStopped);
  signalGroup(child.pid, 'SIGKILL');
  guard.release();
  if (exit !== 0) why ??= typeof exit === 'number' ? `exit code ${exit}` : exit;
  return { ok: why === undefined, why, seconds: (performance.now() - startedAt) / 1000 };
}

/** A waiting `sh` that ends the group should we be killed: its stdin then ends without the word `done`. */
function startGuard(group) {
  const script = '[ -n "$1" ] || exit; read -r word; [ "$word" = done ] || kill -s TERM -- "-$1"';
  const guard = spawn('/bin/sh', ['-c', script, 'guard', String(group ?? '')], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  return { release: () => guard.stdin.end('done\n') };
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody left in it.
  }
}
