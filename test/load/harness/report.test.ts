import { expect, it } from 'vitest';
import { type KeptResult, overview, replaceReport, section } from './report.ts';
import { spread } from './statistics.ts';

const result: KeptResult = {
  name: 'cancel',
  title: 'Cancelling',
  day: '2026-11-22',
  machine: 'a machine',
  seconds: 12.3,
  calibrationMs: [20, 20, 22],
  notes: ['How it was taken.'],
  rows: [
    {
      goal: 'G8',
      what: 'requests',
      unit: 'ms',
      product: spread([4, 5, 6]),
      reference: { what: 'an insert', value: spread([2, 2.5, 3]) },
      ratio: spread([2, 2, 2]),
      wanted: 'ratio ≤ 2',
      met: true,
    },
    { goal: 'G19', what: 'cancels', unit: 'ms', product: spread([1234.5]), wanted: '≤ 500 ms', met: false },
    { goal: '', what: 'of it, the answer', unit: 'ms', product: spread([0.01234]) },
  ],
};

it('writes a section with medians, quartiles and what is wanted', () => {
  const text = section(result);
  expect(text).toContain('| G8 | requests | 5 (4.5–5.5) ms | 2.5 (2.25–2.75) ms (an insert) | 2 | ratio ≤ 2 | met |');
  expect(text).toContain('| G19 | cancels | 1 235 ms |  |  | ≤ 500 ms | **not met** |');
  expect(text).toContain('Calibration loop: 20 (20–21) ms.');
  expect(text).toContain('`pnpm bench cancel`; 2026-11-22, 12 s, on a machine.');
});

it('lists the goals by number, without the figures that only explain', () => {
  const goals = overview([{ ...result, rows: result.rows.toReversed() }])
    .split('\n')
    .slice(2)
    .map((row) => row.split(' | ')[0]);
  expect(goals).toEqual(['| G8', '| G19']);
});

it('replaces what stands between the marks and nothing else', () => {
  expect(replaceReport('# A\n<!-- report -->old<!-- /report -->\nB', 'new')).toBe(
    '# A\n<!-- report -->\n\nnew\n\n<!-- /report -->\nB',
  );
  expect(() => replaceReport('# A', 'new')).toThrow('marks');
});
