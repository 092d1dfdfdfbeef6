import { expect, it } from 'vitest';
import { Slots } from './slots.ts';

it('gives no more places than it has, and those in the order they were asked for', async () => {
  const slots = new Slots(2);
  expect([slots.tryTake(), slots.tryTake(), slots.tryTake()]).toEqual([true, true, false]);
  const served: string[] = [];
  const first = slots.take().then(() => served.push('first'));
  const second = slots.take().then(() => served.push('second'));
  slots.free();
  await first;
  expect(served).toEqual(['first']);
  expect(slots.taken).toBe(2);
  slots.free();
  await second;
  expect(served).toEqual(['first', 'second']);
});

it('sends away who waits when it closes', async () => {
  const slots = new Slots(1);
  slots.tryTake();
  const waiting = slots.take();
  slots.close();
  expect(await waiting).toBe(false);
  expect(slots.taken).toBe(1);
  slots.free();
  expect(slots.taken).toBe(0);
  expect(await slots.take()).toBe(false);
  expect(slots.tryTake()).toBe(false);
});

it('refuses to have no places, and to free what nobody took', () => {
  expect(() => new Slots(0)).toThrow(RangeError);
  expect(() => new Slots(1).free()).toThrow('no slot is taken');
});
