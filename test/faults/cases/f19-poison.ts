import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { type Rig, startRig } from '../harness/rig.ts';

/** F19: somebody writes to Redis what we never would, and a task kills whoever runs it. */
export const faultCase: FaultCase = {
  promise: 'poison in Redis has no effect and stops nobody; a task that kills its worker twice is set aside',
  async run(trial) {
    await using rig = await startRig(trial, { targets: 2 });
    const over = await rig.submit({ tasks: [{ type: 'WITNESS_ONCE', config: { ms: 0 } }] });
    await rig.settled([over]);
    const before = rig.witness().length;
    // Runs while the poison is there: a forged delivery of its task must not make a second run of it.
    const running = await rig.submit({ target: 'db2', tasks: [{ type: 'WITNESS_ONCE', config: { ms: 4_000 } }] });
    await rig.acting(running);
    await plant(rig, await forgeries(rig, [over, running]));
    const next = await Promise.all(
      ['db1', 'db1', 'db2'].map((target) => rig.submit({ target, tasks: [{ type: 'WITNESS', config: { ms: 20 } }] })),
    );
    for (const job of await rig.settled([running, ...next])) assert.equal(job.state, 'SUCCEEDED', JSON.stringify(job));
    const acts = rig
      .witness()
      .slice(before)
      .filter(({ statement }) => statement.startsWith('INSERT INTO witness.effects'));
    assert.equal(acts.length, 1 + next.length, 'no act came of what was forged');
    await removePoison(rig);

    const lives = rig.workers.map((worker) => worker.lives);
    const deadly = await rig.submit({ tasks: [{ type: 'WITNESS', config: { dies: true } }] });
    const beside = await rig.submit({ target: 'db2', tasks: [{ type: 'WITNESS', config: { ms: 20 } }] });
    const [quarantined, fine] = await rig.settled([deadly, beside]);
    const deaths = rig.workers.reduce((sum, worker, index) => sum + worker.lives - (lives[index] ?? 0), 0);
    trial.log(`killed ${deaths} workers: ${JSON.stringify(quarantined?.tasks[0]?.error)}`);
    assert.equal(quarantined?.tasks[0]?.state, 'FAILED');
    assert.equal(quarantined?.tasks[0]?.error?.code, 'quarantined');
    assert.equal(deaths, 2);
    assert.equal(fine?.state, 'SUCCEEDED');
    await checkInvariants(rig);
  },
};

/** Payloads that look like ours, for tasks that are over, running, and not there. */
async function forgeries(rig: Rig, jobIds: readonly string[]): Promise<readonly unknown[]> {
  const real = (await rig.jobs(jobIds)).flatMap(({ tasks }) => tasks.map(({ id }) => id));
  return [...real, randomUUID(), 'no-such-task'].flatMap((taskId) =>
    [0, 1, 2, 99].map((generation) => ({ taskId, generation })),
  );
}

async function plant(rig: Rig, forged: readonly unknown[]): Promise<void> {
  const connection = { url: rig.redis.url, maxRetriesPerRequest: null };
  for (const name of ['witness', 'witness-once', 'finalise', 'ticks']) {
    const queue = new Queue(name, { connection, prefix: rig.redisPrefix });
    for (const data of [...forged, ...strangeData]) await queue.add('forged', data);
    await queue.close();
    // BullMQ itself cannot read these.
    const { client } = rig.redis;
    const key = (id: string): string => `${rig.redisPrefix}:${name}:${id}`;
    for (const [id, data] of [
      ['broken-json', '{"taskId": '],
      ['no-data', ''],
      ['null-data', 'null'],
    ] as const) {
      await client.hset(key(id), { name: 'forged', data, opts: '{}', timestamp: '1', delay: '0', priority: '0' });
      await client.lpush(key('wait'), id);
    }
    await client.lpush(key('wait'), 'an-id-without-a-job');
    await client.zadd(key('marker'), 0, '0');
  }
}

const strangeData: readonly unknown[] = [
  null,
  42,
  'text',
  [],
  {},
  { taskId: null, generation: 'one' },
  { taskId: '../../etc/passwd', generation: 1 },
  { taskId: `'; DROP TABLE tasks; --`, generation: 1 },
  { taskId: randomUUID(), generation: -1 },
  { taskId: randomUUID(), generation: 1e308 },
  { jobId: randomUUID(), generation: 1 },
  { scheduleId: 'no-such-schedule' },
  JSON.parse('{"__proto__": {"taskId": "polluted", "generation": 1}, "constructor": {"prototype": {"generation": 1}}}'),
  { taskId: randomUUID(), generation: 1, padding: 'x'.repeat(10 * 1024 * 1024) },
];

/** The reconciler removes orphans that are ours; what was never ours is for whoever planted it. */
async function removePoison(rig: Rig): Promise<void> {
  const { client } = rig.redis;
  for await (const keys of client.scanStream({ match: `${rig.redisPrefix}:*`, count: 1_000 }) as AsyncIterable<
    string[]
  >) {
    for (const key of keys) {
      if ((await client.type(key)) === 'hash' && (await client.hget(key, 'name')) === 'forged') await client.del(key);
    }
  }
}
