import { strict as assert } from 'node:assert';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { type Rig, startRig } from '../harness/rig.ts';
import { maintainer } from '../harness/servers.ts';
import { until } from '../harness/until.ts';
import { whyNot } from '../injectors/host-tools.ts';
import { holdLedgerClock, type LedgerClock } from '../injectors/ledger-clock.ts';
import { startSkewed } from '../injectors/skew.ts';
import { actsOn } from '../observers/acts-of.ts';

const hourMs = 3_600_000;
/** From the leap of the clocks to the end of the window: the worker has to be started again in it. */
const leftMs = 18_000;
/** Two steps begin within the window and the second would last beyond it, whenever the worker gets to begin. */
const stepMs = 11_000;

const bigIndex = `
  CREATE TABLE orders (id int PRIMARY KEY, placed_at timestamptz NOT NULL);
  INSERT INTO orders SELECT i, now() FROM generate_series(1, 20000) i;
  CREATE INDEX orders_placed_at ON orders (placed_at);`;

/**
 * F17: a window closes while its work is at it: a statement at work, a rebuild that waits within its statement, a step and a
 * task still to come. The clocks of ledger and worker are put shortly before the full hour.
 */
export const faultCase: FaultCase = {
  promise: 'at the end of its window a statement is stopped, nothing begins after it, and a rebuild cleans up',
  cannotRun: () => whyNot('faketime'),
  async run(trial) {
    let clock: LedgerClock | undefined;
    try {
      await using rig = await startRig(trial, {
        workers: 1,
        targets: 2,
        targetSql: bigIndex,
        prepare: async ({ databaseUrl }) => {
          clock = await holdLedgerClock(databaseUrl);
        },
      });
      const closesAtMs = Math.ceil((Date.now() + leftMs) / hourMs) * hourMs;
      const aheadMs = closesAtMs - leftMs - Date.now();
      rig.ledgerAheadMs = aheadMs;
      await clock?.move(aheadMs);
      await startSkewed(rig.worker(), aheadMs / 1_000);
      await rig.worker().ready();
      const endHour = new Date(closesAtMs).getUTCHours();
      const schedule = { window_start_hour: (endHour + 23) % 24, window_end_hour: endHour };

      await using blocker = await blockRebuild(rig);
      const long = await rig.submit({
        tasks: [
          { key: 'first', type: 'WITNESS', config: { ms: stepMs, steps: 3 } },
          { key: 'second', type: 'WITNESS', needs: ['first'] },
        ],
        schedule: { ...schedule, halt_on_task_failure: false },
      });
      const rebuild = await rig.submit({
        target: rig.target(1).id,
        tasks: [
          {
            type: 'INDEX_REBUILD',
            config: { indexes: ['public.orders_placed_at'], gate: 'go', lock_timeout_seconds: 300 },
          },
        ],
        schedule,
      });
      await rig.acting(long);
      await blocker.releaseWhenStopped();
      await rig.settled([long, rebuild]);
      const late = await rig.submit({ tasks: [{ type: 'WITNESS' }], schedule });
      await rig.settled([late]);

      const closesHereMs = closesAtMs - aheadMs;
      const acts = actsOn(rig, rig.target().id);
      trial.log(
        `acts: ${acts.map((act) => `${act.beganAtMs - closesHereMs}…${act.endedAtMs - closesHereMs} ms ${act.end}`).join('; ')}`,
      );
      assert.equal(acts.length, 2, 'two steps begin in the window, and nothing after it');
      assert.match(acts[1]?.end ?? '', /cancel/i, 'the step at work when the window closed was stopped');
      trial.report('the statement outlived its window, milliseconds', (acts[1]?.endedAtMs ?? 0) - closesHereMs);
      const [ended, rebuilt, skipped] = [await rig.job(long), await rig.job(rebuild), await rig.job(late)];
      trial.log(
        `the long job: ${ended.tasks.map(({ state, reason, error }) => `${state} ${reason ?? error?.code ?? ''}`).join(', ')}`,
      );
      assert.equal(ended.tasks[1]?.reason, 'outside_window');
      assert.equal(skipped.state, 'SKIPPED');
      assert.equal(skipped.tasks[0]?.reason, 'outside_window');
      assert.notEqual(rebuilt.state, 'SUCCEEDED');
      assert.deepEqual(await invalidIndexes(rig), []);
      await checkInvariants(rig);
    } finally {
      await clock?.close();
    }
  },
};

/** A transaction that a rebuild has to wait for within its statement; it ends once the rebuild was stopped. */
async function blockRebuild(rig: Rig) {
  const { sql } = rig.target(1);
  const writer = await sql.connect();
  await writer.query('BEGIN; LOCK TABLE orders IN ROW EXCLUSIVE MODE');
  const atWork = async (): Promise<boolean> => {
    const { rowCount } = await sql.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = $1 AND state = 'active' AND query LIKE 'REINDEX%'`,
      [maintainer],
    );
    return (rowCount ?? 0) > 0;
  };
  let released = false;
  const release = async (): Promise<void> => {
    if (released) return;
    released = true;
    await writer.query('ROLLBACK').catch(() => undefined);
    writer.release();
  };
  return {
    async releaseWhenStopped() {
      await until('the rebuild to wait within its statement', atWork);
      await until('the rebuild to be stopped', async () => !(await atWork()));
      await release();
    },
    [Symbol.asyncDispose]: release,
  };
}

async function invalidIndexes(rig: Rig): Promise<readonly string[]> {
  const { rows } = await rig
    .target(1)
    .sql.query<{ name: string }>('SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid');
  return rows.map(({ name }) => name);
}
