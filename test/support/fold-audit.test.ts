import { describe, expect, it } from 'vitest';
import { compareFold, type FoldEvent, foldAudit } from './fold-audit.ts';

const event = (
  action: string,
  entityId: string,
  before: FoldEvent['before'],
  after: FoldEvent['after'],
): FoldEvent => ({
  id: '1',
  action,
  entity: action.split('.')[0] ?? '',
  entityId,
  before,
  after,
});

const log = [
  event('target.create', 'shop', null, { version: 1 }),
  event('target.replace', 'shop', { version: 1 }, { version: 2 }),
  event('target.create', 'gone', null, { version: 1 }),
  event('target.delete', 'gone', { version: 1 }, null),
  event('schedule.create', 'nightly', null, { version: 1, enabled: true }),
  event('schedule.tick', 'nightly', { next_due_at: 'a' }, { next_due_at: 'b' }),
  event('job.create', 'j', null, { state: 'PENDING', tasks: [] }),
  event('task.claim', 't1', { state: 'PENDING' }, { state: 'RUNNING', fence: 1 }),
  event('job.start', 'j', { state: 'PENDING' }, { state: 'RUNNING' }),
  event('signal.change', 'm', null, { status: 'HEALTHY' }),
];
const rows = {
  jobs: [{ id: 'j', state: 'RUNNING', halted: false }],
  tasks: [
    { id: 't1', jobId: 'j', state: 'RUNNING' },
    { id: 't2', jobId: 'j', state: 'PENDING' },
  ],
  schedules: [{ id: 'nightly', version: 1, enabled: true }],
  targets: [{ id: 'shop', version: 2 }],
};

describe('the fold of the audit log', () => {
  it('is the state where every change was told', () => {
    expect(compareFold(foldAudit(log), rows)).toEqual([]);
  });

  it.each([
    [
      'a change that was not told',
      { ...rows, jobs: [{ id: 'j', state: 'SUCCEEDED', halted: false }] },
      'job j has state SUCCEEDED, by the log RUNNING',
    ],
    [
      'a halt that was not told',
      { ...rows, jobs: [{ id: 'j', state: 'RUNNING', halted: true }] },
      'job j has halted true, by the log false',
    ],
    [
      'a task nothing was told of',
      { ...rows, tasks: [{ id: 't2', jobId: 'j', state: 'SKIPPED' }] },
      'task t2 has state SKIPPED, by the log PENDING',
    ],
    [
      'a row of nowhere',
      { ...rows, targets: [...rows.targets, { id: 'x', version: 1 }] },
      'target x is there, the log does not know it',
    ],
    [
      'a row that came back',
      { ...rows, targets: [...rows.targets, { id: 'gone', version: 1 }] },
      'target gone is there, by the log it was deleted',
    ],
    ['a row that went', { ...rows, schedules: [] }, 'schedule nightly is not there, by the log it is'],
  ])('finds %s', (_what, present, found) => {
    expect(compareFold(foldAudit(log), present)).toEqual([found]);
  });

  it('finds an event that begins elsewhere than the last one ended', () => {
    const torn = [...log, event('task.succeed', 't1', { state: 'PENDING' }, { state: 'RUNNING' })];
    expect(compareFold(foldAudit(torn), rows)).toEqual([
      'event 1: task.succeed of task t1 begins with state PENDING, by the log it was RUNNING',
    ]);
  });
});
