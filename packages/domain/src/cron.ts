import { CronExpressionParser } from 'cron-parser';
import { cronSyntaxProblem } from './cron-syntax.ts';
import { nextFiring } from './firings.ts';

export type CronCheck =
  | { readonly kind: 'valid' }
  | {
      readonly kind: 'invalid';
      readonly field: 'cron_expression' | 'timezone';
      readonly detail: string;
    };

const mostDaysOfMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** Any instant does: what fires at all fires within cron-parser's search, which spans decades. */
const anyInstant = new Date(Date.UTC(2024, 0, 1));

/**
 * Checks a cron expression (5 fields, 6 with seconds first, or a name such as `@daily`) and an IANA time zone.
 * Refuses what BullMQ takes but surprises with: `H`, dates that never come (`0 3 31 2 *`), zones that mean the machine's own (`local`) and fixed
 * offsets. As with any cron, a day of month and a day of week given together mean either. How often it fires is not limited: `@secondly` is valid.
 */
export function checkCron(expression: string, timezone: string): CronCheck {
  const problem = cronSyntaxProblem(expression) ?? cronMeaningProblem(expression);
  if (problem !== null) return { kind: 'invalid', field: 'cron_expression', detail: problem };
  if (!isTimeZone(timezone)) {
    const detail = `${JSON.stringify(timezone.slice(0, 80))} is not an IANA time zone such as Europe/Berlin or UTC`;
    return { kind: 'invalid', field: 'timezone', detail };
  }
  return { kind: 'valid' };
}

/** True for a name of the IANA time zone database, in any case of letters. */
export function isTimeZone(timezone: string): boolean {
  // Intl takes offsets such as +01:00 as well.
  if (!/^[A-Za-z]/.test(timezone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
    return true;
  } catch {
    return false;
  }
}

function cronMeaningProblem(expression: string): string | null {
  try {
    const { dayOfMonth, dayOfWeek, month } = CronExpressionParser.parse(expression, {
      tz: 'UTC',
      currentDate: anyInstant,
    }).fields;
    const isOnlyByDate = dayOfWeek.isWildcard && !dayOfMonth.hasLastChar;
    const longest = Math.max(...month.values.map((number) => mostDaysOfMonth[number - 1] ?? 31));
    // Seen at once here; the search would give up only after a quarter of a second.
    const isImpossible = isOnlyByDate && dayOfMonth.values.every((day) => typeof day === 'number' && day > longest);
    return isImpossible || nextFiring(expression, 'UTC', anyInstant) === null ? 'its date never comes' : null;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isImpossible = error.message.includes('explicit day of month');
    return isImpossible ? 'its date never comes' : error.message;
  }
}
