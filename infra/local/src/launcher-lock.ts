import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { isAlive } from './leftover.ts';

/** A lock not renewed for this long belongs to nobody, even if its pid is alive: that pid is another process by now. */
const staleMs = 15_000;
const heartbeatMs = 2_000;

interface Holder {
  pid: number;
  /** The processes it started, for the launcher that comes after one that was killed. */
  children: Record<string, number>;
}

export interface LauncherLock {
  /** What the launcher before this one started and did not stop; empty when it ended in order. */
  leftBehind: Record<string, number>;
  /** Notes a process this launcher started. */
  add(name: string, pid: number): void;
  release(): void;
}

/** One launcher per home. Throws with the holder's pid while another one runs. */
export function takeLauncherLock(file: string): LauncherLock {
  const holder: Holder = { pid: process.pid, children: {} };
  const before = readHolder(file);
  if (before !== undefined) {
    if (before.pid > 0 && isAlive(before.pid) && Date.now() - statSync(file).mtimeMs < staleMs) {
      throw new Error(
        `Slacktide already runs from this home, as process ${before.pid} (see dev.json next to ${file}).`,
      );
    }
    rmSync(file, { force: true });
  }
  const save = (flag: 'w' | 'wx'): void => writeFileSync(file, `${JSON.stringify(holder)}\n`, { flag });
  // Fails when another launcher came in between.
  save('wx');
  const heartbeat = setInterval(() => {
    try {
      utimesSync(file, new Date(), new Date());
    } catch {
      // The home was deleted while we run.
    }
  }, heartbeatMs);
  heartbeat.unref();
  return {
    leftBehind: before?.children ?? {},
    add: (name, pid) => {
      holder.children[name] = pid;
      save('w');
    },
    release: () => {
      clearInterval(heartbeat);
      rmSync(file, { force: true });
    },
  };
}

function readHolder(file: string): Holder | undefined {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  try {
    return JSON.parse(content);
  } catch {
    // Cut off while being written: its children are not known any more.
    return { pid: 0, children: {} };
  }
}
