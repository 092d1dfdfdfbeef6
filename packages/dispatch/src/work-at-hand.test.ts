import { expect, it, vi } from 'vitest';
import { WorkAtHand } from './work-at-hand.ts';

it('is over when the last of it has ended, well or badly', async () => {
  const work = new WorkAtHand();
  await work.whenOver();
  const [first, second] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  const one = work.during(() => first.promise);
  const two = work.during(() => second.promise);
  const over = vi.fn();
  const waiting = work.whenOver().then(over);
  first.reject(new Error('failed'));
  await expect(one).rejects.toThrow('failed');
  expect(over).not.toHaveBeenCalled();
  second.resolve(2);
  expect(await two).toBe(2);
  await waiting;
  await work.whenOver();
});
