import { randomBytes } from 'node:crypto';
import { type Deps, startFollowUps, taskTypeCatalog } from '@slacktide/application';
import type { NewFollowUp } from '@slacktide/application/ports';
import { taskTypes } from '@slacktide/executors/schemas';
import { describe, expect, it } from 'vitest';
import { claimedBy, executionsSetup } from '../../support/executions.ts';

const analyze: NewFollowUp = {
  type: 'STATISTICS_UPDATE',
  config: { max_tables: 3 },
  window: null,
  timeLimitSeconds: 90,
  reason: 'care found 3 tables with stale statistics',
};

async function setup() {
  const base = await executionsSetup();
  const { ledger, actRecords, observations } = base.connection;
  const claimed = claimedBy(await base.claim(await base.addJob(), 'rebuild'));
  const deps: Pick<Deps, 'ledger' | 'randomBytes' | 'taskTypes'> = {
    ledger,
    randomBytes,
    taskTypes: taskTypeCatalog(taskTypes),
  };
  const jobs = async () => {
    const { items } = await ledger.jobs.list({ limit: 50 });
    return items.filter(({ requestedBy }) => requestedBy.startsWith('follow-ups'));
  };
  return {
    ...base,
    claimed,
    jobs,
    ask: (changes: Partial<NewFollowUp> = {}) => actRecords.followUp(claimed, { ...analyze, ...changes }),
    start: () => startFollowUps(deps, { traceId: 't', traceparent: 'tp' }, 10),
    latest: () => observations.memoryOf('shop').followUps(),
  };
}

describe('follow-ups', () => {
  it('become a job of one task, once, however many control planes look', async () => {
    const { ask, start, jobs, latest } = await setup();
    expect(await ask()).toBe(true);
    expect(await latest()).toMatchObject([{ type: 'STATISTICS_UPDATE', jobId: null, jobState: null, refused: null }]);
    const started = await Promise.all([start(), start(), start()]);
    expect(started.reduce((sum, count) => sum + count, 0)).toBe(1);
    const [job, ...others] = await jobs();
    expect(others).toEqual([]);
    expect(job).toMatchObject({
      targetId: 'shop',
      trigger: 'adhoc',
      state: 'PENDING',
      requestedBy: `follow-ups: ${analyze.reason}`,
      tasks: [{ type: 'STATISTICS_UPDATE', timeLimitSeconds: 90, config: { max_tables: 3, lock_timeout_seconds: 5 } }],
    });
    expect(await latest()).toMatchObject([{ jobId: job?.id, jobState: 'PENDING' }]);
    expect(await start()).toBe(0);
  });

  it('wait for their window', async () => {
    const { ask, start, jobs, sql } = await setup();
    const hour = new Date().getUTCHours();
    // The hours after next: closed now, and still when the hour turns during the test.
    await ask({ window: { startHour: (hour + 2) % 24, endHour: (hour + 3) % 24 } });
    expect(await start()).toBe(0);
    expect(await jobs()).toEqual([]);
    await sql`UPDATE follow_ups SET window_start_hour = ${hour}, window_end_hour = ${(hour + 2) % 24}`;
    expect(await start()).toBe(1);
    expect(await jobs()).toMatchObject([{ state: 'PENDING', window: { startHour: hour, endHour: (hour + 2) % 24 } }]);
  });

  it('that wait keep nobody behind them from starting, however many they are', async () => {
    const { ask, start, jobs } = await setup();
    const hour = new Date().getUTCHours();
    for (let count = 0; count < 101; count += 1) {
      await ask({ window: { startHour: (hour + 2) % 24, endHour: (hour + 3) % 24 } });
    }
    await ask({ type: 'MVCC_CLEANUP', config: {} });
    expect(await start()).toBe(1);
    expect(await jobs()).toMatchObject([{ tasks: [{ type: 'MVCC_CLEANUP' }] }]);
  });

  it('that cannot be made a job of are refused, and say why in the audit log', async () => {
    const { ask, start, jobs, latest, ledger } = await setup();
    await ask({ type: 'NO_SUCH_TASK' });
    await ask({ config: { max_tables: 'many' } });
    expect(await start()).toBe(0);
    expect(await jobs()).toEqual([]);
    expect(await latest()).toMatchObject([
      { type: 'NO_SUCH_TASK', jobId: null, refused: expect.stringContaining('NO_SUCH_TASK') },
      { type: 'STATISTICS_UPDATE', jobId: null, refused: expect.any(String) },
    ]);
    const { items } = await ledger.audit.list({ limit: 10 }, { action: 'follow_up.refuse' });
    expect(items).toHaveLength(2);
    expect(items[0]).toMatchObject({ entity: 'target', entityId: 'shop' });
    expect(JSON.stringify(items[0])).toContain('system:follow-ups');
  });

  it('are not written by whoever lost the right to', async () => {
    const { ask, sql, claimed, start, jobs } = await setup();
    await sql`DELETE FROM leases WHERE target_id = ${claimed.target.id}`;
    expect(await ask()).toBe(false);
    expect(await start()).toBe(0);
    expect(await jobs()).toEqual([]);
  });
});
