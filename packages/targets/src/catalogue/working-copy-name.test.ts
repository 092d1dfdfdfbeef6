import { expect, it } from 'vitest';
import { hasWorkingCopySuffix, isWorkingCopyName, workingCopyOf } from './working-copy-name.ts';

const long = 'x'.repeat(63);

it.each([
  ['orders_idx_ccnew', 'orders_idx', true],
  ['orders_idx_ccold', 'orders_idx', true],
  ['orders_idx_ccnew12', 'orders_idx', true],
  ['orders_idx_ccnew_ccnew', 'orders_idx_ccnew', true],
  [`${'x'.repeat(57)}_ccnew`, long, true],
  [`${'x'.repeat(56)}_ccnew1`, long, true],
  // 29 × é = 58 bytes leave no room for `_ccnew`; 28 do, with one byte over.
  [`${'é'.repeat(28)}_ccnew`, 'é'.repeat(31), true],
  // 62 bytes: the 57th byte would have cut an ö in two.
  [`${'x'.repeat(56)}_ccnew`, `${'x'.repeat(56)}öxxxxx`, true],
  ['orders_idx', 'orders_idx', false],
  ['orders_idx_ccnewer', 'orders_idx', false],
  ['orders_idx_new', 'orders_idx', false],
  ['other_idx_ccnew', 'orders_idx', false],
  ['orders_ccnew', 'orders_idx', false],
  [`${'x'.repeat(20)}_ccnew`, long, false],
  [`${'y'.repeat(57)}_ccnew`, long, false],
  ['_ccnew', 'orders_idx', false],
])('%j of %j: %s', (name, base, expected) => {
  expect(isWorkingCopyName(name, base)).toBe(expected);
});

it('tells the new copy from the old one', () => {
  expect(workingCopyOf('orders_idx_ccnew2', 'orders_idx')).toBe('ccnew');
  expect(workingCopyOf('orders_idx_ccold', 'orders_idx')).toBe('ccold');
  expect(workingCopyOf('orders_idx_ccold_ccnew', 'orders_idx_ccold')).toBe('ccnew');
});

it.each([
  ['a_ccnew', true],
  ['a_ccold7', true],
  ['a_ccnewest', false],
  ['accnew', false],
])('%s ends as a working copy: %s', (name, expected) => {
  expect(hasWorkingCopySuffix(name)).toBe(expected);
});
