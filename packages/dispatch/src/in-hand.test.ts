import { expect, it } from 'vitest';
import { InHand } from './in-hand.ts';

it('stops all deliveries', () => {
  const inHand = new InHand();
  inHand.add('one');
  inHand.add('two');
  const reason = new Error('draining');
  inHand.abortAll(reason);
  expect(inHand.signalOf('one').reason).toBe(reason);
  expect(inHand.signalOf('two').aborted).toBe(true);
});

it('is empty when the last delivery is over', async () => {
  const inHand = new InHand();
  await inHand.whenEmpty();
  inHand.add('one');
  inHand.add('two');
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
