import { readFileSync, writeFileSync } from 'node:fs';
import { defaultPort } from './config.ts';
import { freePort, isPortFree } from './free-port.ts';
import { type PortReservation, reservePort } from './port-reservation.ts';

/** A port for an embedded service: the one it had before when that is free, else any free one, remembered for the next start. */
export async function keptPort(portsFile: string, service: string): Promise<number> {
  const kept = readPorts(portsFile);
  const before = kept[service];
  if (before !== undefined && (await isPortFree(before))) return before;
  const taken = Object.values(kept);
  let port = await freePort();
  while (taken.includes(port)) port = await freePort();
  writeFileSync(portsFile, `${JSON.stringify({ ...kept, [service]: port }, null, 2)}\n`);
  return port;
}

/**
 * The control plane's port, reserved. A chosen one that is taken is an error; the default gives way to the next free one,
 * so that two checkouts run side by side.
 */
export async function controlPlanePort(
  chosen: number | undefined,
  log: (line: string) => void,
): Promise<PortReservation> {
  if (chosen !== undefined) {
    const reservation = await reserveIfFree(chosen === 0 ? await freePort() : chosen);
    if (reservation !== undefined) return reservation;
    throw new Error(`port ${chosen} (PORT) is taken by another process: choose another one, or leave PORT out.`);
  }
  for (let port = defaultPort; port < defaultPort + 100; port += 1) {
    const reservation = await reserveIfFree(port);
    if (reservation === undefined) continue;
    if (port !== defaultPort) log(`port ${defaultPort} is taken by another process, using ${port}`);
    return reservation;
  }
  throw new Error(`ports ${defaultPort} to ${defaultPort + 99} are all taken: choose one by PORT.`);
}

async function reserveIfFree(port: number): Promise<PortReservation | undefined> {
  const reservation = await reservePort(port);
  if (reservation === undefined || (await isPortFree(port))) return reservation;
  reservation.release();
  return undefined;
}

function readPorts(portsFile: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(portsFile, 'utf8'));
  } catch {
    return {};
  }
}
