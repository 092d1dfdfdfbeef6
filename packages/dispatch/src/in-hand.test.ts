import { expect, it } from 'vitest';
import { InHand } from './in-hand.ts';

it('stops the deliveries of a job that lost it, and not the one that has it now', () => {
  const inHand = new InHand();
  inHand.add('old', 'job');
  inHand.add('new', 'job');
  inHand.add('other', 'another job');
  const reason = new Error('delivery_lost');
  inHand.abortJob('job', 'new', reason);
  expect(inHand.signalOf('old').reason).toBe(reason);
  expect(inHand.signalOf('new').aborted).toBe(false);
  expect(inHand.signalOf('other').aborted).toBe(false);
  inHand.abortAll(reason);
  expect(inHand.signalOf('other').aborted).toBe(true);
});

it('is empty when the last delivery is over', async () => {
  const inHand = new InHand();
  await inHand.whenEmpty();
  inHand.add('one', 'job');
  inHand.add('two', 'job');
  let empty = false;
  const emptied = inHand.whenEmpty().then(() => {
    empty = true;
  });
  inHand.remove('one');
  await Promise.resolve();
  expect([empty, inHand.size]).toEqual([false, 1]);
  inHand.remove('two');
  await emptied;
  expect(() => inHand.signalOf('two')).toThrow('no such delivery');
});
