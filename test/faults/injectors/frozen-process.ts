import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** A process that is there and does nothing. */
export interface FrozenProcess {
  /** SIGCONT: it goes on as if no time had passed. Again, or after its death: nothing. */
  thaw(): void;
}

/** Stops a process with SIGSTOP and returns once the kernel has stopped all its threads. @throws Error when there is no such process. */
export async function freezeProcess(pid: number): Promise<FrozenProcess> {
  process.kill(pid, 'SIGSTOP');
  for (let state = stateOf(pid); state !== 'T'; state = stateOf(pid)) {
    if (state === 'Z') throw new Error(`process ${pid} has ended`);
    await setTimeout(2);
  }
  return {
    thaw() {
      try {
        process.kill(pid, 'SIGCONT');
      } catch {
        // Killed in the meantime.
      }
    },
  };
}

/** `R`, `S`, `T` …; the name before it may hold spaces and brackets. */
function stateOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2)[0];
}
