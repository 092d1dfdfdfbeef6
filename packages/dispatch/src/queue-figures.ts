import type { Queue } from 'bullmq';
import type { Result } from 'ioredis';
import type { Connections } from './connection.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { taskTypeOfQueue } from './queue-names.ts';

/** How a queue stands, for health and metrics. */
export interface QueueFigures {
  readonly queue: string;
  /** Null for the queues without tasks: `finalise`, `ticks`. */
  readonly taskType: string | null;
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly prioritized: number;
  readonly waitingChildren: number;
  readonly failed: number;
  /** Workers connected now, in all processes. */
  readonly workers: number;
  /** Since when the job that is next has been waiting, in seconds; null when none waits. Never overstated. */
  readonly oldestWaitingSeconds: number | null;
}

/**
 * Since when the job at the head of a queue (KEYS[1] its list, ARGV[1] its keys' head) has been waiting; milliseconds.
 * BullMQ does not keep that, but it is no earlier than: the job was made, was last worked on, its last child ended.
 */
const waitingSince = `
local id = redis.call('LINDEX', KEYS[1], -1)
if not id then return false end
local job = ARGV[1] .. id
local since = 0
local function noEarlierThan(value) since = math.max(since, tonumber(value or 0) or 0) end
noEarlierThan(redis.call('HGET', job, 'timestamp'))
noEarlierThan(redis.call('HGET', job, 'processedOn'))
noEarlierThan(string.match(id, '^repeat:.*:(%d+)$'))
for _, child in ipairs(redis.call('HKEYS', job .. ':processed')) do
  noEarlierThan(redis.call('HGET', child, 'finishedOn'))
end
return string.format('%d', since)
`;

/** How long figures are reused, in milliseconds: health, metrics and the dashboard ask at once, and `CLIENT LIST` visits every client. */
const reuseMs = 1_000;

/** Reads the figures of all `queues` together; concurrent and immediate repeats share one reading. */
export function queueFigures(
  { connections, prefix, nowMs }: Pick<DispatchContext, 'connections' | 'prefix' | 'nowMs'>,
  queues: readonly Queue[],
): () => Promise<readonly QueueFigures[]> {
  connections.commands.defineCommand('slacktideWaitingSince', { numberOfKeys: 1, lua: waitingSince });
  let last: { readonly at: number; readonly figures: Promise<readonly QueueFigures[]> } | undefined;
  return async () => {
    const now = performance.now();
    if (last !== undefined && now - last.at < reuseMs) return await last.figures;
    const figures = connections.command('read queue figures', () => readFigures(connections, prefix, queues, nowMs));
    last = { at: now, figures };
    figures.catch(() => {
      last = undefined;
    });
    return await figures;
  };
}

async function readFigures(
  { commands }: Connections,
  prefix: string,
  queues: readonly Queue[],
  nowMs: () => number,
): Promise<readonly QueueFigures[]> {
  // One list for all queues; BullMQ's getWorkers would ask for it once per queue.
  const [clients, ...figures] = await Promise.all([
    commands.client('LIST', 'TYPE', 'NORMAL'),
    ...queues.map(async (queue) => {
      const [counts, since] = await Promise.all([
        queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'waiting-children', 'failed'),
        commands.slacktideWaitingSince(queue.toKey('wait'), queue.toKey('')),
      ]);
      return {
        queue: queue.name,
        taskType: taskTypeOfQueue(queue.name),
        waiting: counts['waiting'] ?? 0,
        active: counts['active'] ?? 0,
        delayed: counts['delayed'] ?? 0,
        prioritized: counts['prioritized'] ?? 0,
        waitingChildren: counts['waiting-children'] ?? 0,
        failed: counts['failed'] ?? 0,
        oldestWaitingSeconds: since === null ? null : Math.max(0, (nowMs() - Number(since)) / 1_000),
      };
    }),
  ]);
  const workers = workersByQueue(String(clients), prefix);
  return figures.map((figure) => ({ ...figure, workers: workers.get(figure.queue) ?? 0 }));
}

/** Counts BullMQ's blocking connections in the text of `CLIENT LIST`: each is named `<prefix>:<queue in base64>`. */
export function workersByQueue(clients: string, prefix: string): Map<string, number> {
  const workers = new Map<string, number>();
  for (const [, name = ''] of clients.matchAll(/ name=(\S+) /g)) {
    if (!name.startsWith(`${prefix}:`)) continue;
    const [encoded = '', kind = 'w'] = name.slice(prefix.length + 1).split(':');
    if (kind !== 'w') continue;
    const queue = Buffer.from(encoded, 'base64').toString();
    workers.set(queue, (workers.get(queue) ?? 0) + 1);
  }
  return workers;
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    slacktideWaitingSince(list: string, keysHead: string): Result<string | null, Context>;
  }
}
