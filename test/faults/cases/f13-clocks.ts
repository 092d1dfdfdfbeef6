import { strict as assert } from 'node:assert';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { gatherEvidence } from '../harness/oracle/evidence.ts';
import { everyTickHasOneJob } from '../harness/oracle/ticks.ts';
import { type Rig, startRig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { whyNot } from '../injectors/host-tools.ts';
import { holdLedgerClock, type LedgerClock } from '../injectors/ledger-clock.ts';
import { startSkewed } from '../injectors/skew.ts';

const twoHoursSeconds = 7_200;
/** Of the control planes and of the workers, in their order. */
const skewsSeconds = [0, twoHoursSeconds, -twoHoursSeconds];
const look = { type: 'WITNESS_LOOK', config: { ms: 20 } };
const act = { type: 'WITNESS', config: { ms: 100 } };

/**
 * F13: of three control planes and three workers one each is two hours ahead, one behind. Then the ledger's own clock
 * leaps two hours: from there on the worker that was ahead is the one that is right.
 */
export const faultCase: FaultCase = {
  promise: 'ticks and windows hold by the clock of the ledger, and who is off it takes no work and says so',
  cannotRun: () => whyNot('faketime'),
  async run(trial) {
    let clock: LedgerClock | undefined;
    try {
      await using rig = await startRig(trial, {
        controlPlanes: skewsSeconds.length,
        workers: skewsSeconds.length,
        prepare: async ({ databaseUrl }) => {
          clock = await holdLedgerClock(databaseUrl);
        },
      });
      for (const [index, seconds] of skewsSeconds.entries()) {
        if (seconds === 0) continue;
        await Promise.all([startSkewed(rig.controlPlane(index), seconds), startSkewed(rig.worker(index), seconds)]);
      }
      for (const [index, seconds] of skewsSeconds.entries()) if (seconds !== 0) await saysSo(rig, index);
      await ticksAreTheLedgers(rig, trial.scale === 'full' ? 30 : 4);
      await windowsAreTheLedgers(rig);

      await clock?.move(twoHoursSeconds * 1_000);
      trial.log('the ledger leapt two hours ahead');
      await saysSo(rig, 0);
      const later = await rig.submit({ tasks: [act] });
      await rig.settled([later]);
      await onlyBy(rig, [later], 1);
      // What waits in the outbox was told a time by this clock, and would wait as long as it is put back.
      await until('the outbox to be empty', async () => (await rig.ledger`SELECT FROM outbox`).length === 0);
      await clock?.move(0);

      for (const process of [...rig.controlPlanes, ...rig.workers].filter((_, index) => index % 3 !== 0)) {
        await process.kill(); // lives on with the right clock
      }
      await checkInvariants(rig);
    } finally {
      await clock?.close();
    }
  },
};

/** The worker is not ready, and says that it is its clock. */
async function saysSo(rig: Rig, index: number): Promise<void> {
  const worker = rig.worker(index);
  const words = await until(`${worker.name} to say that its clock is off`, async () => {
    const answer = await fetch(worker.readyUrl ?? '');
    const text = await answer.text();
    return answer.status === 503 && /clock/i.test(text) && text;
  });
  rig.trial.log(`${worker.name} says: ${words.trim()}`);
}

/** A schedule that ticks every two seconds: no tick is left out, none comes early, and only the right worker runs them. */
async function ticksAreTheLedgers(rig: Rig, ticks: number): Promise<void> {
  const id = 'ticking';
  const schedule = { id, name: id, cron_expression: '*/2 * * * * *', target_ids: [rig.target().id], tasks: [look] };
  await rig.client.accept('POST', '/schedules', { body: schedule });
  const jobs = await until('the ticks to be over', async () => {
    const rows = await rig.ledger<{ id: string; state: string; earlyMs: number }[]>`
      SELECT jobs.id, jobs.state, extract(epoch FROM jobs.scheduled_for - audit_events.at)::float8 * 1000 AS "earlyMs"
      FROM jobs JOIN audit_events ON entity_id = jobs.id::text AND action = 'job.create' WHERE schedule_id = ${id}`;
    return rows.filter(({ state }) => state === 'SUCCEEDED').length >= ticks && rows;
  });
  const early = jobs.filter(({ earlyMs }) => earlyMs > 0);
  assert.deepEqual(early, [], 'ticks were fired before they were due');
  assert.deepEqual(await everyTickHasOneJob(await gatherEvidence(rig)), []);
  await rig.client.accept('POST', `/schedules/${id}/disable`);
  await until('the last tick to be over', async () => {
    const open = await rig.ledger`SELECT FROM jobs WHERE schedule_id = ${id} AND finished_at IS NULL`;
    return open.length === 0;
  });
  await onlyBy(
    rig,
    jobs.map((job) => job.id),
    0,
  );
}

/** Two windows that are open and closed by the ledger, and the other way round by everybody whose clock is off. */
async function windowsAreTheLedgers(rig: Rig): Promise<void> {
  const [now] = await rig.ledger<[{ hour: number }]>`SELECT extract(hour FROM now() AT TIME ZONE 'UTC')::int AS hour`;
  // An hour may end meanwhile: what is said holds in the next one, too.
  const window = (fromHours: number, toHours: number) => ({
    window_start_hour: (now.hour + fromHours + 24) % 24,
    window_end_hour: (now.hour + toHours + 24) % 24,
  });
  const run = async (schedule: Record<string, number>): Promise<readonly string[]> => {
    const ids: string[] = [];
    // Each control plane in turn.
    for (const _ of skewsSeconds) ids.push(await rig.submit({ tasks: [act], schedule }));
    return ids;
  };
  const [open, closed] = [await run(window(0, 2)), await run(window(2, 4))];
  const states = async (ids: readonly string[]): Promise<readonly string[]> => [
    ...new Set((await rig.settled(ids)).map(({ state, tasks }) => `${state} ${tasks[0]?.reason ?? ''}`.trim())),
  ];
  assert.deepEqual(await states(open), ['SUCCEEDED']);
  assert.deepEqual(await states(closed), ['SKIPPED outside_window']);
  await onlyBy(rig, open, 0);
}

/** All that was run of these jobs was run by one worker. */
async function onlyBy(rig: Rig, jobIds: readonly string[], index: number): Promise<void> {
  const rows = await rig.ledger<{ worker: string }[]>`
    SELECT DISTINCT worker_id AS worker FROM tasks WHERE job_id = ANY(${[...jobIds]}::uuid[]) AND worker_id IS NOT NULL`;
  const { name, pid } = rig.worker(index);
  for (const { worker } of rows) assert.match(worker, new RegExp(`-${pid}-`), `only ${name} (pid ${pid}) may run this`);
  assert.notEqual(rows.length, 0, 'nobody ran anything');
}
