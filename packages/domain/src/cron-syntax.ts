/** Names for common expressions, each as cron-parser reads it. */
export const cronNicknames = [
  '@yearly',
  '@annually',
  '@monthly',
  '@weekly',
  '@daily',
  '@hourly',
  '@minutely',
  '@secondly',
  '@weekdays',
  '@weekends',
] as const;

/** cron-parser's own bound. */
const maxLength = 1024;

const number = '\\d{1,2}';
const month = `(?:${number}|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)`;
const weekday = `(?:${number}|sun|mon|tue|wed|thu|fri|sat)`;
const items = (value: string, also = '') => {
  const item = `(?:(?:[*?]|${value}(?:-${value})?)(?:/${number})?${also})`;
  return `${item}(?:,${item})*`;
};

const fields = [
  { name: 'second', pattern: items(number) },
  { name: 'minute', pattern: items(number) },
  { name: 'hour', pattern: items(number) },
  { name: 'day of month', pattern: items(number, '|L') },
  { name: 'month', pattern: items(month) },
  { name: 'day of week', pattern: `${items(weekday, `|${weekday}L`)}|${weekday}#[1-5]` },
].map(({ name, pattern }) => ({ name, pattern: new RegExp(`^(?:${pattern})$`, 'i') }));

/**
 * What is wrong with the way a cron expression is written, or null. Stricter than cron-parser, which reads `5*` as 50-59,
 * `THU` in the place of a month as April, a missing field as `*` and nothing at all as every minute. Says nothing on ranges of values.
 */
export function cronSyntaxProblem(expression: string): string | null {
  if (expression.length > maxLength) return `expected at most ${maxLength} characters, got ${expression.length}`;
  if (expression.startsWith('@')) {
    if ((cronNicknames as readonly string[]).includes(expression)) return null;
    return `unknown name, expected one of ${cronNicknames.join(', ')}`;
  }
  const parts = expression.trim().split(/\s+/).filter(Boolean);
  if (parts.length !== 5 && parts.length !== 6) {
    return `expected 5 fields (minute hour day-of-month month day-of-week) or 6 with seconds first, got ${parts.length}`;
  }
  const expected = fields.slice(fields.length - parts.length);
  for (const [index, { name, pattern }] of expected.entries()) {
    const part = parts[index] ?? '';
    // A letter of its own, unlike those of THU or MARCH.
    if (/(?<![a-z])h(?![a-z])/i.test(part)) {
      return `H in the ${name} field stands for another random time at each reading: give the time itself`;
    }
    if (!pattern.test(part)) return `the ${name} field cannot be ${JSON.stringify(part.slice(0, 80))}`;
  }
  return null;
}
