import type { StepRecord } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { claimedBy, executionsSetup, sampleStep } from '../../../../test/support/executions.ts';

const after = { pid: 7, user: 'app', statement: 'SELECT ?' };
const running = sampleStep({ key: 'pid 7' });
const ended: StepRecord = {
  ...running,
  state: 'SUCCEEDED',
  phase: null,
  percent: 100,
  finishedAt: new Date('2026-11-22T12:00:09.876Z'),
  audit: [{ action: 'session.terminate', after }],
};

async function setup() {
  const it = await executionsSetup();
  const job = await it.addJob();
  const claimed = claimedBy(await it.claim(job, 'rebuild'));
  const entries = () =>
    it.sql`SELECT actor, action, entity, entity_id, after FROM audit_events WHERE action LIKE 'session.%' ORDER BY id`;
  const expected = {
    actor: 'worker:w1',
    action: 'session.terminate',
    entity: 'target',
    entity_id: 'shop',
    after: { ...after, job_id: job.id, task_id: claimed.task.id },
  };
  return { ...it, claimed, entries, expected };
}

describe('what a step did on the target', () => {
  it('is in the audit log with the end of the step, once however often that is written', async () => {
    const { claimed, entries, executions, expected } = await setup();
    await executions.recordProgress(claimed, { steps: [running], percent: 0 });
    expect(await entries()).toEqual([]);
    for (const percent of [50, 60]) await executions.recordProgress(claimed, { steps: [ended], percent });
    await executions.finish(claimed, { kind: 'succeeded', result: {} }, [ended]);
    expect(await entries()).toEqual([expected]);
  });

  it('is there when only the end of the task tells of the step', async () => {
    const { claimed, entries, executions, expected } = await setup();
    const other: StepRecord = { ...ended, key: 'pid 8', position: 1, audit: [{ action: 'session.cancel', after: {} }] };
    await executions.finish(claimed, { kind: 'succeeded', result: {} }, [ended, other]);
    expect(await entries()).toEqual(
      expect.arrayContaining([expected, expect.objectContaining({ action: 'session.cancel' })]),
    );
  });

  it('is not written by whoever has lost the right to act', async () => {
    const { claimed, entries, executions } = await setup();
    const lost = { ...claimed, fence: claimed.fence + 1 };
    expect(await executions.recordProgress(lost, { steps: [ended], percent: 1 })).toBe(false);
    expect(await executions.finish(lost, { kind: 'succeeded', result: {} }, [ended])).toBe(false);
    expect(await entries()).toEqual([]);
  });
});
