import { describe, expect, it } from 'vitest';
import type { Act, AuditRow, Evidence } from './evidence.ts';
import { noStaleWrites } from './fences.ts';
import { everyActHasAFence } from './known-acts.ts';
import { noOverlap } from './no-overlap.ts';
import { nothingLost } from './nothing-lost.ts';
import { findUnsafe } from './statements.ts';

/** An oracle that sees nothing would pass every case: the invariants are shown what breaks them. (I4 is tested with the fold itself.) */
const task = { id: 't1', type: 'WITNESS', state: 'SUCCEEDED', reason: null, attempt: 1, crashes: 0, error: null };
const job = { id: 'j1', targetId: 'db1', state: 'SUCCEEDED', reason: null, tasks: [task] } as const;

function evidence(changes: Partial<Evidence>, accepted: readonly string[] = ['j1']): Evidence {
  return { rig: { accepted: new Set(accepted) } as never, jobs: [job], audit: [], acts: [], ...changes };
}

function act(session: string, beganAtMs: number, endedAtMs: number, changes: Partial<Act> = {}): Act {
  const applicationName = `slacktide/witness/${session}`;
  return {
    targetId: 'db1',
    taskId: 't1',
    database: 'd',
    session,
    user: 'u',
    applicationName,
    statement: 'VACUUM',
    beganAtMs,
    endedAtMs,
    end: 'done',
    ...changes,
  };
}

let lastId = 0;
function event(action: string, actor: string, changes: Partial<AuditRow> = {}): AuditRow {
  lastId += 1;
  const row = { id: lastId, at: new Date(0), actor, action, entity: 'task', entityId: 't1', reason: null };
  return { ...row, before: null, after: null, ...changes };
}

describe('I1', () => {
  it('sees a job that was accepted and is gone, one that goes on for ever, and a task left open in a job that is over', async () => {
    expect(await nothingLost(evidence({}))).toEqual([]);
    expect(await nothingLost(evidence({}, ['j1', 'j2']))).toHaveLength(1);
    expect(await nothingLost(evidence({ jobs: [{ ...job, state: 'RUNNING' }] }))).toHaveLength(1);
    expect(await nothingLost(evidence({ jobs: [{ ...job, tasks: [{ ...task, state: 'PENDING' }] }] }))).toHaveLength(1);
    expect(await nothingLost(evidence({ jobs: [{ ...job, state: 'NEEDS_OPERATOR' }] }))).toEqual([]);
  });
});

describe('I2', () => {
  it('sees an overlap, also with a statement that is long over its neighbour, and none on two targets or one after the other', async () => {
    expect(await noOverlap(evidence({ acts: [act('1', 0, 10), act('2', 10, 20)] }))).toEqual([]);
    expect(await noOverlap(evidence({ acts: [act('1', 0, 10), act('2', 9, 20)] }))).toHaveLength(1);
    expect(await noOverlap(evidence({ acts: [act('1', 0, 10), act('2', 5, 20, { targetId: 'db2' })] }))).toEqual([]);
    const longest = [act('1', 0, 100), act('1', 10, 20), act('2', 50, 60)];
    expect(await noOverlap(evidence({ acts: longest }))).toHaveLength(1);
    expect(await noOverlap(evidence({ acts: [act('1', 0, Infinity), act('2', 50, 60)] }))).toHaveLength(1);
  });

  it('sees an act that nobody was given a fence for', async () => {
    expect(await everyActHasAFence(evidence({ acts: [act('1', 0, 1, { taskId: undefined })] }))).toHaveLength(1);
  });
});

describe('I5', () => {
  const claim = (worker: string, fence: number): AuditRow =>
    event('task.claim', `worker:${worker}`, { after: { fence } });
  it('sees a write of who no longer holds the task, and a fence that does not grow', async () => {
    const by = (worker: string): AuditRow => event('task.succeed', `worker:${worker}`);
    expect(await noStaleWrites(evidence({ audit: [claim('a', 1), by('a')] }))).toEqual([]);
    expect(await noStaleWrites(evidence({ audit: [claim('a', 1), claim('b', 2), by('a')] }))).toHaveLength(1);
    expect(await noStaleWrites(evidence({ audit: [claim('a', 2), claim('b', 2)] }))).toHaveLength(1);
    expect(await noStaleWrites(evidence({ audit: [by('a')] }))).toHaveLength(1);
    const skip = event('task.skip', 'worker:b', { before: { state: 'PENDING' }, after: { state: 'SKIPPED' } });
    const release = event('task.release', 'worker:a', { after: { state: 'PENDING' } });
    expect(await noStaleWrites(evidence({ audit: [claim('a', 1), release, skip] }))).toEqual([]);
    expect(await noStaleWrites(evidence({ audit: [claim('a', 1), skip] }))).toHaveLength(1);
  });
});

describe('I10', () => {
  it.each([
    ['VACUUM t; DROP TABLE t', 'sent 2 statements'],
    ['VACUUM ever so much t', 'sent no statements'],
    ["SET lock_timeout = '0'", 'lifts a limit'],
    ['SET LOCAL statement_timeout TO 0', 'lifts a limit'],
    ['DISCARD ALL', 'lifts a limit'],
  ])('sees %s', async (statement, words) => {
    expect(await findUnsafe([act('1', 0, 1, { statement })])).toEqual([expect.stringContaining(words)]);
  });

  it('finds nothing amiss with what we send', async () => {
    const sent = [
      "SET lock_timeout = '30s'",
      'RESET lock_timeout',
      '',
      'REINDEX INDEX CONCURRENTLY public.a',
      'SELECT $1::int',
    ];
    expect(await findUnsafe(sent.map((statement) => act('1', 0, 1, { statement })))).toEqual([]);
  });
});
