import { describe, expect, it } from 'vitest';
import { isMessage, kindOf, messageNeed } from './message-need.ts';

const ofJob = (kind: string, generation = 2) => ({ kind, jobId: 'j', generation });
const nobody = { job: undefined, schedule: false };
const open = { job: { isOver: false, generation: 2 }, schedule: false };
const over = { job: { isOver: true, generation: 2 }, schedule: false };

describe('messageNeed', () => {
  it.each(['flow.add', 'job.finalise', 'flow.remove'])(
    '%s is needed while its job is open in its generation',
    (kind) => {
      expect(messageNeed(ofJob(kind), open)).toBe('needed');
      expect(messageNeed(ofJob(kind, 3), open)).toBe('needed');
      expect(messageNeed(ofJob(kind, 1), open)).toBe('generation_stale');
      expect(messageNeed(ofJob(kind), over)).toBe('job_over');
      expect(messageNeed(ofJob(kind), nobody)).toBe('job_unknown');
    },
  );

  it('schedule.sync is needed while there is the schedule', () => {
    const sync = { kind: 'schedule.sync', scheduleId: 's' };
    expect(messageNeed(sync, { job: undefined, schedule: true })).toBe('needed');
    expect(messageNeed(sync, nobody)).toBe('schedule_unknown');
  });

  it.each([
    null,
    'flow.add',
    [],
    {},
    { kind: 7 },
    { kind: 'flow.move', jobId: 'j', generation: 1 },
    { kind: 'flow.add' },
    { kind: 'flow.add', jobId: 'j', generation: '1' },
    { kind: 'schedule.sync', jobId: 'j' },
  ])('nobody can tell of %j', (message) => {
    expect(isMessage(message)).toBe(false);
    expect(messageNeed(message, over)).toBe('unknown_kind');
  });

  it('names the kind that a message says it is', () => {
    expect([ofJob('flow.move'), {}, null].map(kindOf)).toEqual(['flow.move', 'unknown', 'unknown']);
  });
});
