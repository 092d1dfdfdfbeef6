/** Whether `text` is what one of the patterns says. `%` stands for any text; everything else, also `_`, for itself. */
export function matchesAny(text: string | null, patterns: readonly string[]): boolean {
  if (text === null) return false;
  return patterns.some((pattern) => matches(text, pattern.split('%')));
}

/** Leftmost places for the pieces between the wildcards: no backtracking, whatever the pattern. */
function matches(text: string, pieces: readonly string[]): boolean {
  const [first = '', ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
