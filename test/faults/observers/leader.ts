import { setTimeout as sleep } from 'node:timers/promises';
import type { Keeper } from '../harness/keeper.ts';
import type { Rig } from '../harness/rig.ts';
import { ownerOfPort } from './socket-owner.ts';

/**
 * Waits until a control plane is seen to lead a pass (its session holds an advisory lock of the ledger), and returns it at
 * that very moment. Undefined when nobody was seen for `limitMs`.
 */
export async function catchLeader({ ledger, controlPlanes }: Rig, limitMs = 20_000): Promise<Keeper | undefined> {
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline) {
    const holders = await ledger<{ port: number }[]>`
      SELECT client_port AS port FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND application_name = 'slacktide/control-plane'`;
    for (const { port } of holders) {
      const pid = ownerOfPort(
        port,
        controlPlanes.map((process) => process.pid),
      );
      const leader = controlPlanes.find((process) => process.isAlive && process.pid === pid);
      if (leader !== undefined) return leader;
    }
    await sleep(2);
  }
  return undefined;
}
