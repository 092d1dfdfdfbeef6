/** What may stand in a statement, in the order in which it has to be recognised. */
const tokens = new RegExp(
  [
    String.raw`(?<comment>--[^\n]*|/\*[\s\S]*?(?:\*/|$))`,
    String.raw`(?<escaped>(?<![\w$])[eE]'(?:[^'\\]|''|\\[\s\S])*(?:'|$))`,
    String.raw`(?<plain>(?:(?<![\w$])(?:[bBxXnN]|[uU]&))?'(?:[^']|'')*(?:'|$))`,
    String.raw`(?<dollar>(?<![\w$])\$(?<tag>(?:[^\W\d]\w*)?)\$[\s\S]*?(?:\$\k<tag>\$|$))`,
    String.raw`(?<identifier>(?:(?<![\w$])[uU]&)?"(?:[^"]|"")*(?:"|$))`,
    String.raw`(?<number>(?<![\w$])\d[\w.]*)`,
  ].join('|'),
  'g',
);

/**
 * A statement of somebody's session as it may be kept: literals become `?`, comments go, at most `longest` characters (200). Where it is not certain
 * what is a literal (backslashes before quotes, comments in comments), everything that follows becomes one `?`.
 */
export function redactStatement(statement: string, longest = 200): string {
  let shown = '';
  let end = 0;
  for (const { 0: text, index, groups = {} } of statement.matchAll(tokens)) {
    shown += statement.slice(end, index);
    end = index + text.length;
    if (isUncertain(text, groups)) {
      shown += '?';
      end = statement.length;
      break;
    }
    if (groups['comment'] !== undefined) shown += ' ';
    else shown += groups['identifier'] ?? '?';
  }
  const line = (shown + statement.slice(end)).replaceAll(/\s+/g, ' ').trim();
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}

function isUncertain(text: string, { comment, plain }: Record<string, string | undefined>): boolean {
  if (comment?.startsWith('/*')) return text.indexOf('/*', 2) !== -1;
  return plain !== undefined && text.includes('\\');
}
