/** Whether an expression, as pg_get_expr prints it, is true whatever the row. Says no where it is not sure. */
export function isAlwaysTrue(expression: string | null): boolean {
  return expression !== null && constantOf(expression) === true;
}

/** Its value where it is the same for every row; else undefined. */
function constantOf(text: string): boolean | undefined {
  const expression = withoutParentheses(text.trim());
  const alternatives = split(expression, ' OR ');
  if (alternatives.length > 1) return combine(alternatives.map(constantOf), true);
  const conditions = split(expression, ' AND ');
  if (conditions.length > 1) return combine(conditions.map(constantOf), false);
  if (expression === 'true' || expression === 'false') return expression === 'true';
  const negated = /^NOT (.+)$/s.exec(expression)?.[1];
  if (negated !== undefined) return opposite(constantOf(negated));
  const selected = /^SELECT (.+?)(?: AS \w+)?$/s.exec(expression)?.[1];
  if (selected !== undefined) return constantOf(selected);
  const [left, right, ...others] = split(expression, ' = ');
  if (left === undefined || right === undefined || others.length > 0) return undefined;
  return isLiteral(left) && left === right ? true : undefined;
}

/** OR with one true is true, AND with one false is false; else all of them have to be known. */
function combine(values: readonly (boolean | undefined)[], decisive: boolean): boolean | undefined {
  if (values.includes(decisive)) return decisive;
  return values.every((value) => value === !decisive) ? !decisive : undefined;
}

function opposite(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value;
}

function isLiteral(text: string): boolean {
  return /^(?:-?\d+(?:\.\d+)?|'(?:[^']|'')*'(?:::[\w. "]+)?)$/.test(text);
}

function withoutParentheses(text: string): string {
  let inner = text;
  while (inner.startsWith('(') && closing(inner) === inner.length - 1) inner = inner.slice(1, -1).trim();
  return inner;
}

/** Where the parenthesis that the text begins with ends. */
function closing(text: string): number {
  for (const [at, depth] of depths(text)) if (depth === 0) return at;
  return -1;
}

/** Splits at `separator` outside parentheses and quotes. */
function split(text: string, separator: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (const [at, depth] of depths(text)) {
    if (depth === 0 && at >= from && text.startsWith(separator, at)) {
      parts.push(text.slice(from, at));
      from = at + separator.length;
    }
  }
  return [...parts, text.slice(from)];
}

/** Every position outside quotes with how many parentheses are open after it. */
function* depths(text: string): Generator<[at: number, depth: number]> {
  let depth = 0;
  let quote: string | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== null) {
      if (character === quote) quote = null;
      continue;
    }
    if (character === "'" || character === '"') {
      quote = character;
      continue;
    }
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    yield [at, depth];
  }
}
