import type { Queue } from 'bullmq';
import type { Result } from 'ioredis';
import type { Connections } from './connection.ts';

/**
 * Of the queues whose keys begin with ARGV[3…], the positions (from 1) of those that have a job to deliver by the time ARGV[1] and no marker; of
 * these ARGV[2] is a list, by commas, of positions to give one.
 */
const findAsleep = `
local asleep = {}
for position = 3, #ARGV do
  local place = ARGV[position]
  if redis.call('EXISTS', place .. 'marker') == 0 then
    local first = redis.call('ZRANGE', place .. 'delayed', 0, 0, 'WITHSCORES')
    if redis.call('EXISTS', place .. 'wait', place .. 'prioritized') > 0 or (first[2] and tonumber(first[2]) / 0x1000 <= tonumber(ARGV[1])) then
      asleep[#asleep + 1] = position - 2
      if string.find(ARGV[2], ',' .. (position - 2) .. ',', 1, true) then redis.call('ZADD', place .. 'marker', 0, '0') end
    end
  end
end
return asleep
`;

/** What has been so for less than this may be somebody's who is about to look. In milliseconds. */
const aboutToLookMs = 1_000;

/**
 * The marker is how BullMQ wakes one blocked worker of a queue. A worker that is killed with the marker in hand leaves the others asleep until they
 * look by themselves (`blockForMs`). A queue found asleep again after a second gets a new one: before, a worker may be just about to look. `nowMs` is the
 * ledger's time.
 */
export function queueWaker(
  connections: Connections,
  queues: readonly Queue[],
  nowMs: () => number,
): () => Promise<readonly string[]> {
  connections.commands.defineCommand('slacktideWake', { numberOfKeys: 0, lua: findAsleep });
  /** Queues found asleep at every look since that moment. */
  let asleepSince: ReadonlyMap<number, number> = new Map();
  return async () => {
    const now = nowMs();
    const suspects = new Set([...asleepSince].filter(([, since]) => now - since >= aboutToLookMs).map(([at]) => at));
    const asleep = await connections.command('look for sleeping queues', () =>
      connections.commands.slacktideWake(
        now - aboutToLookMs,
        `,${[...suspects].join(',')},`,
        ...queues.map((queue) => queue.toKey('')),
      ),
    );
    const left = asleep.filter((position) => !suspects.has(position));
    asleepSince = new Map(left.map((position) => [position, asleepSince.get(position) ?? now]));
    return asleep.filter((position) => suspects.has(position)).map((position) => queues[position - 1]?.name ?? '');
  };
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    slacktideWake(nowMs: number, suspects: string, ...places: string[]): Result<number[], Context>;
  }
}
