import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { startRig } from '../harness/rig.ts';

const work = { tasks: [{ type: 'WITNESS', config: { ms: 100 } }] };

/** F5: Redis stands still, longer than a delivery is its worker's (full scale), while requests come in. */
export const faultCase: FaultCase = {
  promise: 'while Redis is frozen every request is answered, and when it goes on nothing overlaps',
  async run(trial) {
    const [requests, frozenMs] = trial.scale === 'full' ? [600, 35_000] : [60, 6_000];
    await using rig = await startRig(trial, { targets: 2 });
    await rig.submit(work);
    const scheduleId = await rig.scheduleOf(work);
    const running = await rig.submit({ target: 'db2', tasks: [{ type: 'WITNESS_ONCE', config: { ms: 3_000 } }] });
    await rig.acting(running);
    rig.redis.freeze();
    const frozenAtMs = performance.now();
    const durations: number[] = [];
    for (let count = 0; count < requests; count += 1) {
      const answer =
        count % 3 === 0
          ? await rig.client.request('POST', `/schedules/${scheduleId}/run`)
          : await rig.client.request('GET', count % 3 === 1 ? '/jobs?limit=20' : '/schedules');
      assert.ok(
        answer.status >= 200 && answer.status < 300,
        `expected an answer, got ${answer.status}: ${answer.text}`,
      );
      if (answer.status === 202)
        for (const { id } of (answer.body as { jobs: { id: string }[] }).jobs) rig.accepted.add(id);
      durations.push(answer.durationMs);
    }
    await sleep(Math.max(0, frozenMs - (performance.now() - frozenAtMs)));
    rig.redis.thaw();
    durations.sort((a, b) => a - b);
    trial.report(
      'answers while Redis stood still, p50 ms',
      (durations[Math.floor(durations.length / 2)] ?? 0).toFixed(1),
    );
    trial.report(
      'answers while Redis stood still, p99 ms',
      (durations[Math.floor(durations.length * 0.99)] ?? 0).toFixed(1),
    );
    // It needed no Redis to come to its end.
    const [end] = await rig.settled([running]);
    assert.equal(end?.tasks[0]?.state, 'SUCCEEDED');
    await checkInvariants(rig);
  },
};
