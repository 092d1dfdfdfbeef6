import { expect, it } from 'vitest';
import { pauseKey, pauseNumberOf } from './pause-step.ts';

it('knows a pause by its key, and steps of plans for none', () => {
  for (const number of [1, 9, 10, 4711]) expect(pauseNumberOf(pauseKey(number))).toBe(number);
  for (const key of ['public.pause-1', 'pause-', 'pause-0', 'pause-01', 'pause-1x', 'sampling', '"pause-1"."a"']) {
    expect(pauseNumberOf(key), key).toBeUndefined();
  }
});
