import type { DispatchRepairs, TimerSpec } from '@slacktide/application/ports';
import { nextFiring } from '@slacktide/domain';
import { ErrorCode, type Queue } from 'bullmq';
import type { Result } from 'ioredis';
import { type Connections, RedisAway } from './connection.ts';
import { luaStands } from './lua-stands.ts';
import type { BullTickTimers } from './tick-timers.ts';

/**
 * Of timers JSON ARGV[2] ([id, cron, zone], …) at the queue whose keys begin with ARGV[1], the positions (from 1) of those that are missing,
 * differ, or have no tick to come.
 */
const findStale = `${luaStands}
local place = ARGV[1]
local stale = {}
for position, timer in ipairs(cjson.decode(ARGV[2])) do
  local due = redis.call('ZSCORE', place .. 'repeat', timer[1])
  local kept = due and redis.call('HMGET', place .. 'repeat:' .. timer[1], 'pattern', 'tz')
  if not due or kept[1] ~= timer[2] or kept[2] ~= timer[3] or not stands(place, 'repeat:' .. timer[1] .. ':' .. due) then
    stale[#stale + 1] = position
  end
end
return stale
`;

const timersAtOnce = 200;
/** Each is a search of its cron here and a script in Redis: enough on their way to keep both busy. */
const writesAtOnce = 100;

/** BullMQ's answer when a tick of that id is there, but not as the timer's pending one. */
const isCollision = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === ErrorCode.SchedulerJobIdCollision;

/** Compares and sets many timers. */
export class TimerRepairs {
  readonly #connections: Connections;
  readonly #queue: Queue;
  readonly #timers: BullTickTimers;

  constructor(connections: Connections, queue: Queue, timers: BullTickTimers) {
    this.#connections = connections;
    this.#queue = queue;
    this.#timers = timers;
    connections.commands.defineCommand('slacktideFindStaleTimers', { numberOfKeys: 0, lua: findStale });
  }

  countTimers(): Promise<number> {
    return this.#connections.command('count timers', () =>
      this.#connections.commands.zcard(this.#queue.toKey('repeat')),
    );
  }

  async findStaleTimers(timers: readonly TimerSpec[]): Promise<readonly TimerSpec[]> {
    const stale: TimerSpec[] = [];
    for (const some of pieces(timers, timersAtOnce)) {
      const wanted = some.map(({ id, cronExpression, timezone }) => [id, cronExpression, timezone]);
      const positions = await this.#connections.command('look at timers', () =>
        this.#connections.commands.slacktideFindStaleTimers(this.#queue.toKey(''), JSON.stringify(wanted)),
      );
      stale.push(...positions.flatMap((position) => some[position - 1] ?? []));
    }
    return stale;
  }

  async setTimers(timers: readonly TimerSpec[]): ReturnType<DispatchRepairs['setTimers']> {
    const failed: { scheduleId: string; message: string }[] = [];
    const left = timers.values();
    const lane = async (): Promise<void> => {
      for (const timer of left) {
        try {
          await this.#connections.command('set a timer', () => this.#set(timer));
        } catch (error) {
          if (error instanceof RedisAway) throw error;
          failed.push({ scheduleId: timer.id, message: error instanceof Error ? error.message : String(error) });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(writesAtOnce, timers.length) }, lane));
    return failed;
  }

  async listTimers(): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let from = 0; ; from += 1_000) {
      const page = await this.#connections.command('list timers', () =>
        this.#connections.commands.zrange(this.#queue.toKey('repeat'), from, `${from + 999}`),
      );
      ids.push(...page);
      if (page.length < 1_000) return ids;
    }
  }

  async removeTimers(scheduleIds: readonly string[]): Promise<void> {
    for (const some of pieces(scheduleIds, writesAtOnce)) {
      await Promise.all(some.map((id) => this.#timers.remove(id)));
    }
  }

  async #set(timer: TimerSpec): Promise<void> {
    try {
      await this.#timers.replace(timer);
    } catch (error) {
      if (!isCollision(error)) throw error;
      // What is left of a timer that lost a part of its keys.
      await this.#queue.removeJobScheduler(timer.id);
      // By this process's clock, as BullMQ: the tick that was in the way is the one it had worked out so.
      const due = nextFiring(timer.cronExpression, timer.timezone, new Date());
      if (due !== null) await this.#queue.getBackend().remove(`repeat:${timer.id}:${due.getTime()}`, false);
      await this.#timers.replace(timer);
    }
  }
}

function* pieces<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size);
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    slacktideFindStaleTimers(place: string, timers: string): Result<number[], Context>;
  }
}
