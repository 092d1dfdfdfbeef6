import type { FlowId, Stray, Stretch } from '@slacktide/application/ports';
import type { Queue } from 'bullmq';
import type { Result } from 'ioredis';
import type { Connections } from './connection.ts';
import { rootIdOf } from './flow-tree.ts';
import { finaliseQueue } from './queue-names.ts';

/** Keys that are looked at in one stretch, about: a fleet at rest is gone through in one, a burst of 100 000 deliveries in a few dozen. */
const keysInStretch = 10_000;
const scanCount = 1_000;
const idsAtOnce = 500;

/** Of a queue's keys, those that are not of one delivery. */
const ofTheQueue =
  /^(?:id|meta|wait|paused|active|delayed|prioritized|completed|failed|waiting-children|stalled|limiter|marker|events|pc|repeat|stalled-check|metrics:.*|de:.*|repeat:.*)$/;
/** A delivery's keys beside its hash. Its lock ends by itself. */
const beside = ['dependencies', 'processed', 'failed', 'unsuccessful', 'logs'];
const besideOf = new RegExp(`^(.+):(?:${beside.join('|')})$`);
const keysBeside = beside.map((part) => `key .. ':${part}'`).join(', ');
const rootFormat = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d{1,9})$/;

/**
 * Of deliveries ARGV[3…] of the queue whose keys begin with ARGV[1], those that hang in the air, as positions from 1: neither they
 * nor one above them leads to a root, whose keys begin with ARGV[2]. Locked ones are in a worker's hands and left out, and
 * so are those that are gone by now.
 */
const findStrays = `
local strays = {}
for position = 3, #ARGV do
  local key = ARGV[1] .. ARGV[position]
  if redis.call('EXISTS', key, ${keysBeside}) > 0 and redis.call('EXISTS', key .. ':lock') == 0 then
    local above = key
    while above and redis.call('EXISTS', above) == 1 and string.sub(above, 1, #ARGV[2]) ~= ARGV[2] do
      above = redis.call('HGET', above, 'parentKey')
    end
    if not above or redis.call('EXISTS', above) == 0 then strays[#strays + 1] = position - 2 end
  end
end
return strays
`;

/**
 * Ids in the places of the queue whose keys begin with ARGV[1] that have no job behind them, as when the job's own key was lost.
 * Of long places the beginning only: what is behind it comes to the front in time.
 */
const findGhosts = `
local ghosts = {}
local function sift(ids)
  for _, id in ipairs(ids) do
    local key = ARGV[1] .. id
    if redis.call('EXISTS', key) == 0 and redis.call('EXISTS', key .. ':lock') == 0 then ghosts[#ghosts + 1] = id end
  end
end
for _, place in ipairs({'waiting-children', 'completed', 'failed', 'delayed', 'prioritized'}) do
  sift(redis.call('ZRANGE', ARGV[1] .. place, 0, 499))
end
for _, place in ipairs({'wait', 'active'}) do sift(redis.call('LRANGE', ARGV[1] .. place, -500, -1)) end
return ghosts
`;

/** Goes through what Redis holds of flows, a stretch at a time, and removes what belongs to nothing. */
export class StrayDeliveries {
  readonly #connections: Connections;
  readonly #prefix: string;
  readonly #queues: ReadonlyMap<string, Queue>;
  #cursor = '0';

  /** `queues` are those of flows: `finalise` and the task types'. */
  constructor(connections: Connections, prefix: string, queues: readonly Queue[]) {
    this.#connections = connections;
    this.#prefix = prefix;
    this.#queues = new Map(queues.map((queue) => [queue.name, queue]));
    connections.commands.defineCommand('slacktideFindStrays', { numberOfKeys: 0, lua: findStrays });
    connections.commands.defineCommand('slacktideFindGhosts', { numberOfKeys: 0, lua: findGhosts });
  }

  async lookFurther(): Promise<Stretch> {
    const idsOf = await this.#connections.command('look for deliveries', () => this.#scan());
    const isLast = this.#cursor === '0';
    const flows: FlowId[] = [];
    const strays: Stray[] = [];
    for (const id of idsOf.get(finaliseQueue) ?? []) {
      const [, jobId, generation] = rootFormat.exec(id) ?? [];
      if (jobId === undefined) strays.push({ queue: finaliseQueue, id });
      else flows.push({ jobId, generation: Number(generation) });
    }
    idsOf.delete(finaliseQueue);
    for (const [queue, ids] of idsOf) strays.push(...(await this.#straysOf(queue, [...ids])));
    if (isLast) strays.push(...(await this.#ghosts()));
    return { flows, strays, isLast };
  }

  async removeFlow(flow: FlowId): Promise<boolean> {
    const id = rootIdOf(flow);
    const key = `${this.#prefix}:${finaliseQueue}:${id}`;
    const left = await this.#connections.command('look at a flow', () =>
      this.#connections.commands.exists(key, ...beside.map((part) => `${key}:${part}`)),
    );
    return left > 0 && (await this.removeStray({ queue: finaliseQueue, id }));
  }

  async removeStray({ queue, id }: Stray): Promise<boolean> {
    const andChildren = true;
    // One script: 0 = something of it is locked, and nothing was removed.
    const removed = await this.#connections.command('remove a delivery', async () =>
      this.#queues.get(queue)?.getBackend().remove(id, andChildren),
    );
    return removed === 1;
  }

  /** Ids by queue, of every key that belongs to a delivery. */
  async #scan(): Promise<Map<string, Set<string>>> {
    const head = `${this.#prefix}:`;
    const match = `${head.replace(/[\\*?[\]^]/g, '\\$&')}*`;
    const idsOf = new Map<string, Set<string>>();
    for (let looked = 0; looked < keysInStretch; looked += scanCount) {
      const [cursor, keys] = await this.#connections.commands.scan(this.#cursor, 'MATCH', match, 'COUNT', scanCount);
      this.#cursor = cursor;
      for (const key of keys) {
        const [, queue = '', own = ''] = /^([^:]+):(.+)$/.exec(key.slice(head.length)) ?? [];
        if (!this.#queues.has(queue) || ofTheQueue.test(own) || own.endsWith(':lock')) continue;
        const ids = idsOf.get(queue) ?? new Set();
        idsOf.set(queue, ids.add(besideOf.exec(own)?.[1] ?? own));
      }
      if (cursor === '0') break;
    }
    return idsOf;
  }

  async #straysOf(queue: string, ids: readonly string[]): Promise<readonly Stray[]> {
    const roots = `${this.#prefix}:${finaliseQueue}:`;
    const strays: Stray[] = [];
    for (let from = 0; from < ids.length; from += idsAtOnce) {
      const some = ids.slice(from, from + idsAtOnce);
      const positions = await this.#connections.command('look at deliveries', () =>
        this.#connections.commands.slacktideFindStrays(`${this.#prefix}:${queue}:`, roots, ...some),
      );
      strays.push(...positions.flatMap((position) => ({ queue, id: some[position - 1] ?? '' })));
    }
    return strays;
  }

  async #ghosts(): Promise<readonly Stray[]> {
    const found = await this.#connections.command('look for what is not there', () =>
      Promise.all(
        [...this.#queues.keys()].map(async (queue) => {
          const ids = await this.#connections.commands.slacktideFindGhosts(`${this.#prefix}:${queue}:`);
          return ids.map((id) => ({ queue, id }));
        }),
      ),
    );
    return found.flat();
  }
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    slacktideFindStrays(place: string, roots: string, ...ids: string[]): Result<number[], Context>;
    slacktideFindGhosts(place: string): Result<string[], Context>;
  }
}
