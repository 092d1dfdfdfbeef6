import { expect, it } from 'vitest';
import { sharedInRun } from './shared-in-run.ts';

it('is one and the same for the steps of a run, and begins anew with the next', () => {
  const seen = sharedInRun((): string[] => []);
  const [first, second] = [{ config: {} }, { config: {} }];
  seen(first).push('a');
  seen({ ...first }).push('b');
  expect(seen(first)).toEqual(['a', 'b']);
  expect(seen(second)).toEqual([]);
});
