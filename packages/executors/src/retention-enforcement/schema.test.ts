import { describe, expect, it } from 'vitest';
import { periodOf } from './period.ts';
import { taskType } from './schema.ts';
import { axisTypeOf } from './time-axis.ts';

const parse = (rule: object) => taskType.config.safeParse({ rules: [{ table: 't', column: 'at', ...rule }] });

describe('how long rows are kept', () => {
  it.each([
    [{ keep_days: 30 }, { days: 30, hours: 0 }],
    [{ keep: 'P30D' }, { days: 30, hours: 0 }],
    [{ keep: 'PT36H' }, { days: 0, hours: 36 }],
    [{ keep: 'P4W' }, { days: 28, hours: 0 }],
    [{ keep: 'P1W2DT12H' }, { days: 9, hours: 12 }],
  ])('%j', (rule, period) => {
    const { rules } = taskType.config.parse({ rules: [{ table: 't', column: 'at', ...rule }] });
    expect(rules.map(periodOf)).toEqual([period]);
  });

  it.each([
    {},
    { keep_days: 0 },
    { keep_days: 1.5 },
    { keep_days: 30, keep: 'P30D' },
    { keep: 'P' },
    { keep: 'PT' },
    { keep: 'P0D' },
    { keep: 'P1M' },
    { keep: 'P1Y' },
    { keep: '30 days' },
    { keep: `P1D'; --` },
    { keep_days: 30, column: 'a\0b' },
    { keep_days: 30, legal_hold: [{ column: 'a', values: [] }] },
    { keep_days: 30, legal_hold: [{ column: 'a', values: [null] }] },
  ])('refuses %j', (rule) => {
    expect(parse(rule).success).toBe(false);
  });
});

it.each([
  ['date', null, 'date'],
  ['timestamp', null, 'timestamp'],
  ['timestamptz', null, 'timestamptz'],
  ['timestamptz', 'seconds', undefined],
  ['int4', 'seconds', 'int8'],
  ['int8', null, undefined],
  ['numeric', 'seconds', undefined],
  [null, null, undefined],
] as const)('takes a column of type %s with unit %s for %s', (type, unit, axis) => {
  expect(axisTypeOf(type, unit)).toBe(axis);
});
