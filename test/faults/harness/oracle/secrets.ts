import { readFileSync } from 'node:fs';
import { canary } from '../servers.ts';
import type { Evidence, Invariant } from './evidence.ts';

/**
 * I9: the password of the targets is nowhere but where it belongs: not in Redis, in no log of ours, in no table of the
 * ledger, in no answer of the API, in no process's arguments.
 */
export const noSecretShown: Invariant = async (evidence) => {
  const { rig } = evidence;
  const violations: string[] = [];
  for (const process of rig.processes) {
    if (process.log.some((line) => line.includes(canary)))
      violations.push(`the log of ${process.name} shows the password`);
    if (argumentsOf(process.pid).includes(canary))
      violations.push(`the arguments of ${process.name} show the password`);
  }
  if (rig.client.texts.some((text) => text.includes(canary)))
    violations.push('an answer of the API shows the password');
  violations.push(...(await tablesWithCanary(evidence)), ...(await keysWithCanary(evidence)));
  return violations;
};

function argumentsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // dead, or a system without /proc
  }
}

async function tablesWithCanary({ rig: { ledger } }: Evidence): Promise<readonly string[]> {
  const tables = await ledger<{ name: string }[]>`
    SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace`;
  const violations: string[] = [];
  for (const { name } of tables) {
    const found = await ledger.unsafe(`SELECT FROM ${name} AS entry WHERE entry::text LIKE '%${canary}%' LIMIT 1`);
    if (found.length > 0) violations.push(`the ledger's table ${name} shows the password`);
  }
  return violations;
}

/** `DUMP` is compressed: the values themselves are read. */
async function keysWithCanary({ rig: { redis } }: Evidence): Promise<readonly string[]> {
  const violations: string[] = [];
  const { client } = redis;
  for await (const keys of client.scanStream({ count: 1_000 }) as AsyncIterable<string[]>) {
    for (const key of keys) {
      const type = await client.type(key);
      const value =
        type === 'string'
          ? await client.get(key)
          : type === 'hash'
            ? await client.hgetall(key)
            : type === 'list'
              ? await client.lrange(key, 0, -1)
              : type === 'zset'
                ? await client.zrange(key, '0', '-1')
                : type === 'set'
                  ? await client.smembers(key)
                  : type === 'stream'
                    ? await client.xrange(key, '-', '+')
                    : '';
      if (`${key} ${JSON.stringify(value)}`.includes(canary)) violations.push(`Redis shows the password under ${key}`);
    }
  }
  return violations;
}
