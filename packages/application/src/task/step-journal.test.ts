import { describe, expect, it, vi } from 'vitest';
import type { PlannedStep, StepRecord } from '../ports/index.ts';
import { StepJournal } from './step-journal.ts';

const at = new Date('2026-11-22T03:00:00Z');

function step(key: string, sizeBytes: number | null = 100): PlannedStep {
  return {
    key,
    object: { kind: 'index', oid: 1, schema: 'public', name: key },
    statements: [`REINDEX INDEX CONCURRENTLY public.${key}`],
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    sizeBytes,
    expectedSeconds: 5,
    reversible: true,
    data: {},
  };
}

function setup(plan: readonly PlannedStep[]) {
  const writes: { steps: readonly StepRecord[]; percent: number | null }[] = [];
  const journal = new StepJournal(plan, async (steps, percent) => void writes.push({ steps, percent }), 0);
  return { journal, writes };
}

describe('StepJournal', () => {
  it('starts with every planned step pending, with its statement and expected time', () => {
    const { journal } = setup([step('a'), step('b')]);
    expect(journal.steps).toMatchObject([
      { key: 'a', position: 0, state: 'PENDING', object: 'public.a', etaSeconds: 5 },
      { key: 'b', position: 1, state: 'PENDING' },
    ]);
    expect(journal.percent).toBe(0);
  });

  it('hands on what is to be in the audit log with the end of the step that did it', async () => {
    const { journal, writes } = setup([step('a'), step('b')]);
    const audit = [{ action: 'session.terminate', after: { pid: 7 } }];
    journal.end('a', { kind: 'done', result: {}, audit }, at);
    journal.end('b', { kind: 'failed', error: { code: 'x', message: 'y' }, audit }, at);
    await journal.flush();
    expect(writes.at(-1)?.steps).toMatchObject([
      { key: 'a', audit },
      { key: 'b', audit },
    ]);
  });

  it('weighs steps by size, so one large index is not half the work of ten small ones', () => {
    const { journal } = setup([step('small', 100), step('large', 900)]);
    journal.start('small', at);
    journal.end('small', { kind: 'done', result: {} }, at);
    expect(journal.percent).toBe(10);
  });

  it('counts steps when a size is unknown', () => {
    const { journal } = setup([step('a', null), step('b', 900)]);
    journal.end('a', { kind: 'skipped', reason: 'blocked' }, at);
    expect(journal.percent).toBe(50);
    expect(journal.steps[0]).toMatchObject({ state: 'SKIPPED', reason: 'blocked', finishedAt: at });
  });

  it('writes only what changed since the last write', async () => {
    const { journal, writes } = setup([step('a'), step('b')]);
    journal.start('a', at);
    await vi.waitFor(() => expect(writes).toHaveLength(1));
    journal.progress('a', { phase: 'building index', percent: 40, etaSeconds: 3 });
    await vi.waitFor(() => expect(writes).toHaveLength(2));
    expect(writes[1]?.steps).toMatchObject([
      { key: 'a', state: 'RUNNING', phase: 'building index', percent: 40, etaSeconds: 3 },
    ]);
    await journal.close();
  });

  it('keeps going when a write of progress fails, and says then what that one would have said', async () => {
    const write = vi.fn().mockRejectedValueOnce(new Error('ledger away')).mockResolvedValue(true);
    const journal = new StepJournal([step('a'), step('b')], write, 0);
    journal.start('a', at);
    await vi.waitFor(() => expect(write).toHaveBeenCalledTimes(1));
    journal.progress('b', { phase: 'building index', percent: 1, etaSeconds: null });
    await vi.waitFor(() => expect(write).toHaveBeenCalledTimes(2));
    expect(write.mock.calls[1]?.[0]).toMatchObject([
      { key: 'a', state: 'RUNNING' },
      { key: 'b', percent: 1 },
    ]);
    await journal.close();
  });

  it('writes at once when it is told to, and says whether the right to act was still there', async () => {
    const write = vi.fn(async () => true);
    const journal = new StepJournal([step('a')], write, 60_000);
    expect(await journal.flush()).toBe(true);
    expect(write).toHaveBeenCalledTimes(1);
    expect(await journal.flush()).toBe(true); // nothing to say
    expect(write).toHaveBeenCalledTimes(1);
    journal.start('a', at);
    write.mockResolvedValueOnce(false);
    expect(await journal.flush()).toBe(false);
    write.mockRejectedValueOnce(new Error('ledger away'));
    journal.end('a', { kind: 'done', result: {} }, at);
    await expect(journal.flush()).rejects.toThrow('ledger away');
    expect(await journal.flush()).toBe(true);
    expect(write.mock.lastCall).toMatchObject([[{ key: 'a', state: 'SUCCEEDED' }], 100]);
    await journal.close();
  });

  it('does not let the end of a step wait for the next write of progress', async () => {
    const write = vi.fn(async () => true);
    const journal = new StepJournal([step('a')], write, 60_000);
    await journal.flush();
    journal.progress('a', { phase: 'building index', percent: 1, etaSeconds: null });
    journal.end('a', { kind: 'done', result: {} }, at);
    await vi.waitFor(() => expect(write).toHaveBeenCalledTimes(2));
    await journal.close();
  });

  it('leaves the records of steps that were done before alone, and counts them', async () => {
    const writes: (readonly StepRecord[])[] = [];
    const plan = [step('a'), step('b'), step('c', 200)];
    const journal = new StepJournal(plan, async (steps) => void writes.push(steps), 0, new Set(['a', 'not_planned']));
    expect(journal.steps).toMatchObject([
      { key: 'b', position: 1, state: 'PENDING' },
      { key: 'c', position: 2, state: 'PENDING' },
    ]);
    expect(journal.percent).toBe(25);
    journal.end('b', { kind: 'done', result: {} }, at);
    expect(journal.percent).toBe(50);
    await vi.waitFor(() => expect(writes.flat().map(({ key }) => key)).toEqual(['b', 'c']));
    await journal.close();
  });

  it('shows a pause after the steps of the plan, live, and counts it for no percentage', async () => {
    const { journal, writes } = setup([step('a'), step('b')]);
    const pause = { key: 'pause-1', position: 2, reason: 'load', phase: 'waiting', result: { waited_ms: 0 } };
    journal.end('a', { kind: 'done', result: {} }, at);
    journal.add(pause, at);
    expect(journal.steps.at(-1)).toMatchObject({ ...pause, state: 'RUNNING', startedAt: at, object: null });
    expect(journal.percent).toBe(50);
    await vi.waitFor(() => expect(writes.flatMap(({ steps }) => steps)).toContainEqual(expect.objectContaining(pause)));
    journal.tell('pause-1', { waited_ms: 2_000 });
    await vi.waitFor(() => expect(writes.at(-1)?.steps).toMatchObject([{ result: { waited_ms: 2_000 } }]));
    journal.end('pause-1', { kind: 'done', result: { waited_ms: 4_000 } }, at);
    expect(journal.steps.at(-1)).toMatchObject({
      state: 'SUCCEEDED',
      reason: 'load',
      phase: null,
      result: { waited_ms: 4_000 },
      finishedAt: at,
    });
    expect(journal.percent).toBe(50);
    expect(() => journal.add({ ...pause, key: 'a' }, at)).toThrow('the plan has a step a');
    await journal.close();
  });

  it('ends what is left: the running step cancelled, the waiting ones skipped', () => {
    const { journal } = setup([step('a'), step('b'), step('c')]);
    journal.end('a', { kind: 'done', result: { freed: 1 } }, at);
    journal.start('b', at);
    journal.endRest('cancelled', at);
    expect(journal.steps.map(({ state, reason }) => [state, reason])).toEqual([
      ['SUCCEEDED', null],
      ['CANCELLED', 'cancelled'],
      ['SKIPPED', 'cancelled'],
    ]);
  });
});
