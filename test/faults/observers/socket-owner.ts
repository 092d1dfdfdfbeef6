import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Which of these processes has a TCP connection from the local port `port`; undefined = none of them (any more). Of Linux. */
export function ownerOfPort(port: number, pids: readonly number[]): number | undefined {
  const inodes = new Set(
    readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local]) => local?.endsWith(`:${port.toString(16).toUpperCase().padStart(4, '0')}`))
      .map((fields) => `socket:[${fields[9]}]`),
  );
  return pids.find((pid) => descriptorsOf(pid).some((target) => inodes.has(target)));
}

function descriptorsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return []; // closed in between
      }
    });
  } catch {
    return []; // dead
  }
}
