import { readFileSync } from 'node:fs';

const mib = 2 ** 20;

/** MiB that a process has in memory. Linux only. */
export function residentMib(pid: number): number {
  const pages = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (Number(/^VmRSS:\s+(\d+) kB/m.exec(pages)?.[1]) * 1024) / mib;
}

/** MiB of JavaScript objects of a process with `/metrics`, garbage included. */
export async function heapMib(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  return Number(/^nodejs_heap_size_used_bytes(?:\{[^}]*\})? (\S+)/m.exec(text)?.[1]) / mib;
}
