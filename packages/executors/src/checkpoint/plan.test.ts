import { describe, expect, it } from 'vitest';
import { planCheckpoint } from './plan.ts';
import { taskType } from './schema.ts';

const facts = { permitted: true, grant: 'GRANT pg_checkpoint TO ann', secondsSinceCheckpoint: 300, dirtyBytes: null };
const plan = (given: Partial<typeof facts> | { dirtyBytes: number }, config: object = {}) =>
  planCheckpoint({ ...facts, ...given }, taskType.config.parse(config));

describe('planCheckpoint', () => {
  it.each([
    [300, {}, 1],
    [299, {}, 0],
    [299, { force: true }, 1],
    [61, { min_interval_seconds: 60 }, 1],
    [0, { min_interval_seconds: 0 }, 1],
  ])('%i s after the latest, with %o: %i steps', (secondsSinceCheckpoint, config, steps) => {
    const made = plan({ secondsSinceCheckpoint }, config);
    expect(made.steps).toHaveLength(steps);
    expect(made.skipped).toHaveLength(1 - steps);
    expect(made.checked).toBe(1);
  });

  it('says why not', () => {
    expect(plan({ secondsSinceCheckpoint: 12.4 }).skipped).toEqual([
      { object: 'server', reason: 'too_recent: the latest checkpoint began 12 s ago, min_interval_seconds is 300' },
    ]);
  });

  it('shows what is to be written, where that is known', () => {
    expect(plan({ dirtyBytes: 1024 ** 3 }).steps[0]).toMatchObject({ sizeBytes: 1024 ** 3, expectedSeconds: 21 });
    expect(plan({}).steps[0]).toMatchObject({ sizeBytes: null, expectedSeconds: null, statements: ['CHECKPOINT'] });
  });

  it('keeps the step without the right, so that the run fails instead of doing nothing', () => {
    const made = plan({ permitted: false, secondsSinceCheckpoint: 1 });
    expect(made.steps).toHaveLength(1);
    expect(made.unknown).toEqual([{ object: 'server', reason: 'insufficient_privilege', grant: facts.grant }]);
  });
});
