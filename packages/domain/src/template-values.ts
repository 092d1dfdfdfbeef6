import type { TemplateParameter, TemplateParameterType, TemplateValue } from './custom-template.ts';
import { compareDecimals, isDecimal } from './decimal.ts';

/** A value in the text form that the server reads, or why it is none of the type. */
export type ReadValue =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'problem'; readonly detail: string };

/** PostgreSQL stores neither U+0000 nor half a surrogate pair. */
const unstorable = /[\0\p{Cs}]/u;
const int8 = /^[+-]?\d{1,19}$/;
const [leastInt8, greatestInt8] = [-(2n ** 63n), 2n ** 63n - 1n];
const date = /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;
const time = /^T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const dateLength = 'YYYY-MM-DD'.length;

const readers: Readonly<Record<TemplateParameterType, (value: TemplateValue) => string | null>> = {
  int8: (value) => {
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
    if (typeof text !== 'string' || !int8.test(text)) return null;
    const number = BigInt(text.replace(/^\+/, ''));
    return number >= leastInt8 && number <= greatestInt8 ? String(number) : null;
  },
  numeric: (value) => {
    const text = typeof value === 'number' && Number.isFinite(value) ? String(value) : value;
    return typeof text === 'string' && isDecimal(text) ? text : null;
  },
  text: (value) => (typeof value === 'string' && !unstorable.test(value) ? value : null),
  boolean: (value) => (typeof value === 'boolean' ? String(value) : null),
  timestamptz: (value) =>
    typeof value === 'string' && isDate(value.slice(0, dateLength)) && time.test(value.slice(dateLength))
      ? value
      : null,
  date: (value) => (typeof value === 'string' && isDate(value) ? value : null),
  uuid: (value) => (typeof value === 'string' && uuid.test(value.toLowerCase()) ? value.toLowerCase() : null),
  relation: (value) => nameOf(value),
  schema: (value) => nameOf(value),
};

const expected: Readonly<Record<TemplateParameterType, string>> = {
  int8: 'a whole number from -9223372036854775808 to 9223372036854775807; in quotes beyond 9007199254740991',
  numeric: 'a decimal number, in quotes to be exact',
  text: 'text without U+0000 and unpaired surrogates',
  boolean: 'true or false',
  timestamptz: 'a moment with its offset, such as 2026-11-30T02:00:00Z',
  date: 'a day such as 2026-11-30',
  uuid: 'a UUID',
  relation: 'the name of a relation, such as public.orders',
  schema: 'the name of a schema',
};

/** Reads a value as one of the parameter's type, within its bounds. */
export function readTemplateValue(parameter: TemplateParameter, value: unknown): ReadValue {
  const { type, allowed, maxLength, min, max } = parameter;
  const text = isValue(value) ? readers[type](value) : null;
  const problem = (detail: string): ReadValue => ({ kind: 'problem', detail });
  if (text === null) return problem(`expected ${expected[type]}`);
  if (maxLength !== null && [...text].length > maxLength) return problem(`expected at most ${maxLength} characters`);
  if (min !== null && compare(type, text, min) < 0) return problem(`expected ${min} or more`);
  if (max !== null && compare(type, text, max) > 0) return problem(`expected ${max} or less`);
  if (allowed !== null && !allowed.some((each) => isSame(type, text, each))) {
    return problem(`expected one of ${allowed.join(', ')}`);
  }
  return { kind: 'text', text };
}

/** True for types whose values have an order, and so may have bounds. */
export function hasBounds(type: TemplateParameterType): boolean {
  return type === 'int8' || type === 'numeric' || type === 'timestamptz' || type === 'date';
}

/** Below 0 when `text` comes before `bound`, above 0 when after it. */
export function compare(type: TemplateParameterType, text: string, bound: TemplateValue): number {
  if (type === 'timestamptz') return Date.parse(text) - Date.parse(String(bound));
  if (type === 'date') return text < String(bound) ? -1 : Number(text !== bound);
  return compareDecimals(text, String(bound));
}

function isSame(type: TemplateParameterType, text: string, other: TemplateValue): boolean {
  const read = readers[type](other);
  return read !== null && (hasBounds(type) ? compare(type, text, read) === 0 : text === read);
}

function isValue(value: unknown): value is TemplateValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** A day that there is: no 31st of June. */
function isDate(text: string): boolean {
  if (!date.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

/** Whether there is such an object is for the catalogue to say. */
function nameOf(value: TemplateValue): string | null {
  return typeof value === 'string' && value !== '' && value.length <= 300 && !unstorable.test(value) ? value : null;
}
