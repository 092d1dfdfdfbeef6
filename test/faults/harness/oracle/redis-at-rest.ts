import type { Rig } from '../rig.ts';
import { until } from '../until.ts';
import type { Invariant } from './evidence.ts';

/** How long flows may take to be removed, and locks and leases of the dead to run out. */
const settleLimitMs = 60_000;

/**
 * I8: at rest Redis holds no job of ours but one tick for each enabled schedule, and no lease: what it holds is what the ledger
 * wants. The latest ticks that are over stay as history. What a dead worker holds by its BullMQ lock goes when that has run out
 * (30 s); a smoke run does not wait for it.
 */
export const redisAtRest: Invariant = async ({ rig }) => {
  let seen: readonly string[] = [];
  const isAtRest = async (): Promise<boolean> => {
    seen = await unrest(rig);
    return seen.length === 0;
  };
  await until('Redis to be at rest', isAtRest, { limitMs: settleLimitMs }).catch(() => undefined);
  return seen;
};

async function unrest({ ledger, redis, redisPrefix, trial }: Rig): Promise<readonly string[]> {
  const enabled = await ledger<{ id: string }[]>`SELECT id FROM schedules WHERE enabled`;
  const wanted = new Set(enabled.map(({ id }) => id));
  const ticking = new Set<string>();
  const violations: string[] = [];
  for await (const keys of redis.client.scanStream({ match: `${redisPrefix}*`, count: 1_000 }) as AsyncIterable<
    string[]
  >) {
    for (const key of keys) {
      if (key.startsWith(`${redisPrefix}-leases:`)) violations.push(`Redis still has the lease ${key}`);
      else {
        const job = await jobAt(redis, key);
        if (job === undefined) continue;
        const tick = /:ticks:repeat:(.+):\d+$/.exec(key)?.[1];
        if (tick !== undefined && job.isOver) continue;
        if (job.isHeld && trial.scale === 'smoke') {
          if (tick !== undefined) ticking.add(tick);
        } else if (tick !== undefined && wanted.has(tick) && !ticking.has(tick)) ticking.add(tick);
        else violations.push(`Redis still has the job ${key}`);
      }
    }
  }
  for (const id of wanted) if (!ticking.has(id)) violations.push(`Redis has no tick for the enabled schedule ${id}`);
  return violations;
}

/** A job is a hash with its data and its birth; undefined = something else. */
async function jobAt(
  { client }: Rig['redis'],
  key: string,
): Promise<{ readonly isOver: boolean; readonly isHeld: boolean } | undefined> {
  if ((await client.type(key)) !== 'hash') return undefined;
  const [data, timestamp, finishedOn] = await client.hmget(key, 'data', 'timestamp', 'finishedOn');
  if (typeof data !== 'string' || typeof timestamp !== 'string') return undefined;
  return { isOver: finishedOn !== null, isHeld: await isHeld(client, key) };
}

/** A worker has it, or one of the jobs beneath it in its flow. */
async function isHeld(client: Rig['redis']['client'], key: string): Promise<boolean> {
  if ((await client.exists(`${key}:lock`)) === 1) return true;
  for (const child of await client.smembers(`${key}:dependencies`)) if (await isHeld(client, child)) return true;
  return false;
}
