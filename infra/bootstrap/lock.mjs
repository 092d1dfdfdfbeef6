import { mkdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './paths.mjs';

const checkoutLock = join(root, 'infra', 'bootstrap', '.lock');
const heartbeatMs = 1_000;
/** A lock this old belongs to nobody. Many heartbeats, as a loaded machine may miss some. */
const staleMs = 15_000;

/** Runs `work` while no other process of this checkout does. The holder keeps the lock young, so one left by a killed process ends by itself. */
export async function withLock(work, lock = checkoutLock) {
  await acquire(lock);
  const heartbeat = setInterval(() => stayYoung(lock), heartbeatMs);
  const release = () => {
    clearInterval(heartbeat);
    rmSync(lock, { recursive: true, force: true });
  };
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

function stayYoung(lock) {
  try {
    utimesSync(lock, new Date(), new Date());
  } catch {
    // Taken for stale and removed, after this process was suspended: the other one has it now.
  }
}

async function acquire(lock) {
  for (let waited = false; ; waited = true) {
    try {
      mkdirSync(lock);
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isStale(lock)) rmSync(lock, { recursive: true, force: true });
    else {
      if (!waited) console.log('slacktide: another process is installing in this checkout, waiting for it');
      await sleep(300);
    }
  }
}

function isStale(lock) {
  try {
    return Date.now() - statSync(lock).mtimeMs > staleMs;
  } catch {
    return false;
  }
}
