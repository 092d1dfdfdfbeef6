import { expect, it } from 'vitest';
import { failureOf } from './fail-on.ts';

const found = (severity: 'info' | 'warning' | 'critical') => ({ severity, summary: `it is ${severity}` });

it('fails from the severity that was asked for on, with the worst first', () => {
  const all = [found('info'), found('warning'), found('critical')];
  expect(failureOf(all, 'none')).toBeUndefined();
  expect(failureOf([found('info')], 'warning')).toBeUndefined();
  expect(failureOf([found('warning')], 'critical')).toBeUndefined();
  expect(failureOf(all, 'warning')).toEqual({
    code: 'findings',
    message: 'it is critical (and 1 more)',
    detail: { fail_on: 'warning', info: 0, warning: 1, critical: 1 },
  });
});
