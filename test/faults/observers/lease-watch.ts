import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';

const lookEveryMs = 25;

/** Sees every lease there ever was while it watches. */
export interface LeaseWatch {
  /** Until when the holder of this fence could rightly act, by the ledger's clock: the furthest expiry it ever had. Undefined = never seen. */
  lastedUntilMs(targetId: string, fence: number): number | undefined;
  stop(): Promise<void>;
}

/** Watches the ledger's leases from outside, through a connection of the test. */
export function watchLeases(ledger: postgres.Sql): LeaseWatch {
  const latest = new Map<string, number>();
  let watching = true;
  const look = async (): Promise<void> => {
    const rows = await ledger<{ targetId: string; fence: number; expiresAt: Date }[]>`
      SELECT target_id AS "targetId", fence::int, expires_at AS "expiresAt" FROM leases`;
    for (const { targetId, fence, expiresAt } of rows) {
      const key = `${targetId}/${fence}`;
      latest.set(key, Math.max(latest.get(key) ?? 0, expiresAt.getTime()));
    }
  };
  const watcher = (async () => {
    while (watching) {
      await look().catch(() => undefined); // the ledger may be away
      await sleep(lookEveryMs);
    }
  })();
  return {
    lastedUntilMs: (targetId, fence) => latest.get(`${targetId}/${fence}`),
    async stop() {
      watching = false;
      await watcher;
    },
  };
}
