import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { root } from './paths.mjs';

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** A signal again within this time is the same one: npm hands on a Ctrl-C which the terminal has delivered to us already. */
const sameSignalMs = 300;

/**
 * Runs a Node program in our place and returns the exit code it ended with. It gets a session of its own, so that a
 * terminal's Ctrl-C reaches it once, through us, and an IPC channel whose end tells it that we are dead.
 */
export function execCommand(node, argv, env) {
  const child = spawn(node, argv, { cwd: root, env, detached: true, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  let forwardedAt = Number.NEGATIVE_INFINITY;
  const forward = (signal) => {
    if (performance.now() - forwardedAt < sameSignalMs) return;
    forwardedAt = performance.now();
    child.kill(signal);
  };
  for (const signal of forwarded) process.on(signal, forward);
  const stopWatching = onOrphaned(() => forwardedAt > 0 || forward('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const name of forwarded) process.off(name, forward);
      stopWatching();
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/** npm ran us and is gone (killed): nobody waits for us any more. Of a shell that started us by hand, the same is no reason. */
function onOrphaned(callback) {
  if (!process.env.npm_lifecycle_event) return () => undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    callback();
  }, 500);
  timer.unref();
  return () => clearInterval(timer);
}
