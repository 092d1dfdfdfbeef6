import { expect, it } from 'vitest';
import { namedAfter } from './named-after.ts';

it.each([
  ['orders_2024_pkey', ['orders_2024', 'orders']],
  ['orders_pkey', ['orders']],
  ['orders', []],
  ['ordersx_pkey', []],
  ['_pkey', []],
  ['a__b', ['a_', 'a']],
])('%s is named after %j', (name, expected) => {
  const wholes = ['orders', 'orders_2024', 'order', 'a', 'a_', ''].map((whole) => ({ name: whole }));
  const [found] = namedAfter([{ name }], wholes);
  expect((found?.wholes ?? []).map((whole) => whole.name)).toEqual(expected);
});
