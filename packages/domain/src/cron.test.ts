import { describe, expect, test } from 'vitest';
import { checkCron, isTimeZone } from './cron.ts';
import { cronNicknames } from './cron-syntax.ts';

describe('checkCron', () => {
  test.each([
    '0 3 * * *',
    ' 0  3 * * * ',
    '30 0 3 * * *',
    '*/5 0-6,22 1,15 * *',
    '0 3 * * THU',
    '0 3 * MAR-may mon-FRI',
    '0 3 * * 7',
    '0 3 L * *',
    '0 3 1,L * *',
    '0 3 * * 5L',
    '0 3 * * thuL',
    '0 1 * * 0#1',
    '0 1 * * TUE#5',
    '0 0 29 2 *',
    '0 1 * 2 0#5',
    '0 3 31 2 1',
    '0 0 3 ? * MON',
    ...cronNicknames,
  ])('takes %j', (expression) => {
    expect(checkCron(expression, 'Europe/Berlin')).toEqual({ kind: 'valid' });
  });

  test.each([
    ['H 3 * * *', /H in the minute field/],
    ['H H * * *', /H in the minute field/],
    ['0 h * * *', /H in the hour field/],
    ['0 H(0-5) * * *', /H in the hour field/],
    ['H/15 * * * *', /H in the minute field/],
    ['0 1,H * * *', /H in the hour field/],
    ['0 3 * * H', /H in the day of week field/],
    ['H 0 3 * * *', /H in the second field/],
    ['0 3 31 2 *', /never comes/],
    ['0 3 30,31 2 *', /never comes/],
    ['0 0 31 4,6 *', /never comes/],
    ['', /got 0/],
    ['   ', /got 0/],
    ['* * * *', /got 4/],
    ['THU', /got 1/],
    ['0 0 3 * * * 2027', /got 7/],
    ['@reboot', /unknown name/],
    ['@DAILY', /unknown name/],
    ['60 * * * *', /60/],
    ['0 24 * * *', /24/],
    ['0 3 0 * *', /0/],
    ['0 3 * 13 *', /13/],
    ['0 3 * * 8', /8/],
    ['0 22-4 * * *', /22-4/],
    ['*/0 * * * *', /every 0/],
    ['0 3 * THU *', /month field/],
    ['0 3 * * JAN', /day of week field/],
    ['5* * * * *', /minute field/],
    ['1-5-9 * * * *', /minute field/],
    ['0 3 5L * *', /day of month field/],
    ['0 3 LW * *', /day of month field/],
    ['0 3 * * L', /day of week field/],
    ['0 3 * * 1#6', /day of week field/],
    ['0 3 * * 1#1,3#2', /day of week field/],
    ['0 3 * * *; rm -rf /', /got 8/],
    ['0 3 * * $(id)', /day of week field/],
    [`${'0,'.repeat(600)}0 * * * *`, /at most 1024/],
  ])('refuses %j', (expression, detail) => {
    expect(checkCron(expression, 'UTC')).toEqual({
      kind: 'invalid',
      field: 'cron_expression',
      detail: expect.stringMatching(detail),
    });
  });

  test.each(['Mars/Olympus', 'local', 'system', '', '+01:00', 'UTC+3', 'GMT+2', 'Europe/Berlin\n', '../../etc/passwd'])(
    'refuses the zone %j',
    (timezone) => {
      expect(isTimeZone(timezone)).toBe(false);
      expect(checkCron('0 3 * * *', timezone)).toMatchObject({ kind: 'invalid', field: 'timezone' });
    },
  );

  test('takes every zone of the IANA database', () => {
    for (const timezone of ['UTC', 'europe/berlin', 'Etc/GMT+5', ...Intl.supportedValuesOf('timeZone')]) {
      expect(isTimeZone(timezone), timezone).toBe(true);
    }
  });
});
