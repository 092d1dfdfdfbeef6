import type { HealthStatus, Probe } from '@slacktide/application';
import type { Connections } from './connection.ts';

/** Code of a Redis that may evict jobs and locks: nobody should be sent to a control plane that works with it. */
export const redisMayEvict = 'redis_may_evict';

/** Below this BullMQ runs, but its authors advise against it. */
const advisedVersion = [6, 2] as const;
/** Share of `maxmemory` from which the fleet should be told: at 1 every add fails. */
const fullShare = 0.9;

type Verdict = Awaited<ReturnType<Probe>>;

/** How Redis is: UNHEALTHY when it is away or may evict, DEGRADED when it is old or nearly full. */
export function redisProbe(connections: Connections): Probe {
  return async () => {
    try {
      return judgeRedis(await connections.command('look at Redis', () => connections.commands.info()));
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
      return { status: 'UNHEALTHY', message: `Redis does not answer${cause}` };
    }
  };
}

/** Judges the text of `INFO`. */
export function judgeRedis(info: string): Verdict {
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  const version = field('valkey_version') || field('redis_version');
  const findings: { readonly status: HealthStatus; readonly message: string }[] = [];

  const policy = field('maxmemory_policy');
  const mayEvict = policy !== 'noeviction';
  if (mayEvict) {
    findings.push({
      status: 'UNHEALTHY',
      message: `maxmemory-policy is ${policy || 'unknown'}: jobs and locks may be evicted. Cure: CONFIG SET maxmemory-policy noeviction, and the same in redis.conf`,
    });
  }
  const [usedBytes, maxBytes] = [Number(field('used_memory')), Number(field('maxmemory'))];
  if (maxBytes > 0 && usedBytes / maxBytes >= fullShare) {
    const percent = Math.floor((usedBytes / maxBytes) * 100);
    findings.push({ status: 'DEGRADED', message: `memory is ${percent} % full; at 100 % nothing can be dispatched` });
  }
  if (isOlder(version, advisedVersion)) {
    findings.push({ status: 'DEGRADED', message: `version ${version} is older than ${advisedVersion.join('.')}` });
  }

  const aof =
    field('aof_enabled') === '1' ? 'AOF on' : 'AOF off: after a restart the queues are rebuilt from the ledger';
  const status = findings.some((finding) => finding.status === 'UNHEALTHY') ? 'UNHEALTHY' : 'DEGRADED';
  if (findings.length === 0) return { status: 'HEALTHY', message: `version ${version}, noeviction, ${aof}` };
  const message = findings.map((finding) => finding.message).join('; ');
  return { status, message, ...(mayEvict ? { code: redisMayEvict } : {}) };
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [itsMajor = 0, itsMinor = 0] = version.split('.').map(Number);
  return itsMajor < major || (itsMajor === major && itsMinor < minor);
}
