import { instantOfId, type TaskSpec } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { type JobRequest, newJob } from './new-job.ts';
import { seededIdBytes } from './seeded-id-bytes.ts';

const noon = new Date('2026-11-22T12:00:00.000Z');
const tasks: readonly TaskSpec[] = [
  { key: 'rebuild', type: 'INDEX_REBUILD', config: { max: 1 }, needs: [] },
  { key: 'analyse', type: 'STATISTICS_UPDATE', config: {}, needs: ['rebuild'] },
];

function request(changes: Partial<JobRequest> = {}): JobRequest {
  return {
    trigger: 'manual',
    scheduleId: 'nightly',
    targetId: 'shop',
    tasks,
    haltOnTaskFailure: true,
    window: { startHour: 11, endHour: 13 },
    scheduledFor: noon,
    now: noon,
    traceId: 't',
    traceparent: 'tp',
    requestedBy: 'Tester',
    idBytes: seededIdBytes('test'),
    ...changes,
  };
}

describe('newJob', () => {
  it('is PENDING with all its tasks while the window is open', () => {
    const job = newJob(request());
    expect(job).toMatchObject({ state: 'PENDING', reason: null, startedAt: null, finishedAt: null, generation: 1 });
    expect(
      job.tasks.map(({ key, position, needs, state, attempt }) => ({ key, position, needs, state, attempt })),
    ).toEqual([
      { key: 'rebuild', position: 0, needs: [], state: 'PENDING', attempt: 0 },
      { key: 'analyse', position: 1, needs: ['rebuild'], state: 'PENDING', attempt: 0 },
    ]);
    expect(job.tasks.every(({ jobId }) => jobId === job.id)).toBe(true);
  });

  it('is born over outside its window, judged by the clock and not by the due time', () => {
    const evening = new Date('2026-11-22T13:00:00.000Z');
    const job = newJob(request({ now: evening }));
    expect(job).toMatchObject({ state: 'SKIPPED', reason: 'outside_window', finishedAt: evening, startedAt: null });
    expect(job.tasks.map(({ state, reason, finishedAt }) => [state, reason, finishedAt])).toEqual([
      ['SKIPPED', 'outside_window', evening],
      ['SKIPPED', 'outside_window', evening],
    ]);
  });

  it('is born over for the reason it is given', () => {
    expect(newJob(request({ skip: 'missed' }))).toMatchObject({ state: 'SKIPPED', reason: 'missed', finishedAt: noon });
  });

  it('gives ids that carry the due time, each another, the same for the same seed', () => {
    const due = new Date('2026-11-20T03:00:00.000Z');
    const idsOf = (seed: string) => {
      const job = newJob(request({ scheduledFor: due, idBytes: seededIdBytes(seed) }));
      return [job.id, ...job.tasks.map(({ id }) => id)];
    };
    const ids = idsOf('a');
    expect(ids.map(instantOfId)).toEqual([due, due, due]);
    expect(new Set(ids).size).toBe(3);
    expect(idsOf('a')).toEqual(ids);
    expect(idsOf('b')).not.toEqual(ids);
  });
});
