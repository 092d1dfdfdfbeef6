/** NAMEDATALEN - 1: the server cuts longer names. */
const longestNameBytes = 63;
const words = /"((?:[^"]|"")*)"|([\p{L}\p{M}_][\p{L}\p{M}\p{N}_$]*)/gu;

/**
 * Every name that a statement may mean, as the catalogue would have it; words of literals and keywords among them. Undefined where names may be
 * written in another way.
 */
export function wordsOf(statement: string): readonly string[] | undefined {
  // U&"\0061" names what no word of the text spells.
  if (/u&\s*"/i.test(statement)) return undefined;
  const found = new Set<string>();
  for (const [, quoted, plain] of statement.matchAll(words)) {
    const name = quoted?.replaceAll('""', '"') ?? plain?.toLowerCase() ?? '';
    if (name !== '') found.add(cut(name));
    // The server folds letters beyond ASCII in some encodings only.
    if (plain !== undefined) found.add(cut(plain.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())));
  }
  return [...found];
}

function cut(name: string): string {
  const bytes = Buffer.from(name);
  if (bytes.length <= longestNameBytes) return name;
  // Whole characters only.
  return new TextDecoder().decode(bytes.subarray(0, longestNameBytes)).replace(/�$/, '');
}
