import { expect, it } from 'vitest';
import { putOffFromMs } from './put-off-from.ts';

const hourMs = 3_600_000;
const noon = Date.UTC(2026, 10, 22, 12);

it.each([
  ['right', 0, 0],
  ['ahead by what is let pass, and would look too early', 2_000, 2_000],
  ['ahead by more, and takes nothing', 2_001, 0],
  ['ahead by hours', 2 * hourMs, 0],
  ['behind a little', -1_500, 0],
  ['behind by hours', -2 * hourMs, 0],
])('of a clock that is %s', (_, offMs, expectedMs) => {
  expect(putOffFromMs(noon, noon + offMs)).toBe(noon + expectedMs);
});
