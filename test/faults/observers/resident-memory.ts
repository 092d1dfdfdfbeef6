import { readFileSync } from 'node:fs';
import type { Keeper } from '../harness/keeper.ts';

const sampleEveryMs = 250;

/** How much memory processes had at the start, and at most. In MiB. */
export interface MemoryWatch {
  figures(): readonly { readonly name: string; readonly firstMib: number; readonly mostMib: number }[];
  stop(): void;
}

/** Samples the resident memory of processes. Empty where there is no /proc. */
export function watchMemory(processes: readonly Keeper[]): MemoryWatch {
  const seen = new Map<string, { firstMib: number; mostMib: number }>();
  const sample = (): void => {
    for (const { name, pid } of processes) {
      const mib = residentMib(pid);
      if (mib === undefined) continue;
      const { firstMib, mostMib } = seen.get(name) ?? { firstMib: mib, mostMib: mib };
      seen.set(name, { firstMib, mostMib: Math.max(mostMib, mib) });
    }
  };
  sample();
  const timer = setInterval(sample, sampleEveryMs);
  return {
    figures: () => [...seen].map(([name, figures]) => ({ name, ...figures })),
    stop: () => clearInterval(timer),
  };
}

function residentMib(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Math.round(Number(kib) / 1024);
  } catch {
    return undefined; // dead
  }
}
