import type { LeaseRequest, TargetLeases } from '@slacktide/application/ports';
import type { Result } from 'ioredis';
import type { Connections } from './connection.ts';

/**
 * Takes a lease, or extends the holder's own. A target's leases are one hash, holder → `access|fence|expiry`, where the
 * expiry is by Redis' clock in milliseconds; the hash itself expires with its last lease.
 *
 *   another holder, and either of the two acts   → its name
 *   the same holder under a higher fence         → its name: a later claim of this task has replaced ours
 *   otherwise                                    → ours
 */
const take = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder, access, fence, life = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local last = now + life
local entries = redis.call('HGETALL', KEYS[1])
for i = 1, #entries, 2 do
  local other, entry = entries[i], entries[i + 1]
  local itsAccess, itsFence, expiry = string.match(entry, '^(%a+)|(%d+)|(%d+)$')
  expiry = tonumber(expiry)
  if expiry <= now then
    redis.call('HDEL', KEYS[1], other)
  elseif other == holder then
    if tonumber(itsFence) > fence then return other end
  elseif itsAccess == 'act' or access == 'act' then
    return other
  else
    last = math.max(last, expiry)
  end
end
redis.call('HSET', KEYS[1], holder, access .. '|' .. ARGV[3] .. '|' .. string.format('%d', now + life))
redis.call('PEXPIREAT', KEYS[1], string.format('%d', last))
return false
`;

/** Gives back the holder's own lease, if it is still the one of this fence. */
const giveBack = `
local entry = redis.call('HGET', KEYS[1], ARGV[1])
if entry and string.match(entry, '^%a+|(%d+)|') == ARGV[2] then
  return redis.call('HDEL', KEYS[1], ARGV[1])
end
return 0
`;

/** Leases on targets in Redis: a second opinion beside the ledger's, and the place where `observe` work is shared out. */
export class RedisTargetLeases implements TargetLeases {
  readonly #connections: Connections;
  readonly #prefix: string;

  constructor(connections: Connections, prefix: string) {
    this.#connections = connections;
    this.#prefix = prefix;
    connections.commands.defineCommand('slacktideTakeLease', { numberOfKeys: 1, lua: take });
    connections.commands.defineCommand('slacktideGiveLeaseBack', { numberOfKeys: 1, lua: giveBack });
  }

  /** Takes the lease for `lifeMs`. @throws RedisAway within 5 s. */
  async acquire(lease: LeaseRequest): Promise<{ kind: 'acquired' } | { kind: 'busy'; holder: string }> {
    const holder = await this.#take('take a lease', lease);
    return holder === null ? { kind: 'acquired' } : { kind: 'busy', holder };
  }

  /** Extends the lease by `lifeMs` from now, taking it again where it has vanished or run out. @throws RedisAway within 5 s. */
  async renew(lease: LeaseRequest): Promise<'held' | 'lost'> {
    return (await this.#take('renew a lease', lease)) === null ? 'held' : 'lost';
  }

  /** Gives the lease back; does nothing when it is another's, or a later claim's. @throws RedisAway within 5 s. */
  async release(lease: LeaseRequest): Promise<void> {
    const { commands } = this.#connections;
    await this.#connections.command('give a lease back', () =>
      commands.slacktideGiveLeaseBack(this.#key(lease), lease.holder, lease.fence),
    );
  }

  async #take(what: string, lease: LeaseRequest): Promise<string | null> {
    const { commands } = this.#connections;
    return await this.#connections.command(what, () =>
      commands.slacktideTakeLease(this.#key(lease), lease.holder, lease.access, lease.fence, lease.lifeMs),
    );
  }

  // Not `prefix:…`, where queues have their keys: a task type may be called LEASES.
  #key(lease: LeaseRequest): string {
    return `${this.#prefix}-leases:${lease.targetId}`;
  }
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    /** Returns who keeps us from it, or null. */
    slacktideTakeLease(
      key: string,
      holder: string,
      access: string,
      fence: number,
      lifeMs: number,
    ): Result<string | null, Context>;
    slacktideGiveLeaseBack(key: string, holder: string, fence: number): Result<number, Context>;
  }
}
