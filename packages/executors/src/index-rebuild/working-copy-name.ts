/** Longest name of PostgreSQL, in bytes. */
const longestNameBytes = 63;
/** A multibyte character that does not fit is dropped whole, so a clipped name may be up to so much shorter. */
const widestCharacterBytes = 4;

/**
 * Whether `name` is what REINDEX CONCURRENTLY would call its working copy of the index `base`: `base_ccnew`, `base_ccold`,
 * numbered when taken, with the base clipped where the whole would be too long. The name alone proves nothing.
 */
export function isWorkingCopyName(name: string, base: string): boolean {
  const [, prefix, label] = /^(.*)_(cc(?:new|old)\d*)$/s.exec(name) ?? [];
  if (prefix === undefined || label === undefined) return false;
  if (prefix === base) return true;
  const roomBytes = longestNameBytes - 1 - label.length;
  return base.startsWith(prefix) && Buffer.byteLength(prefix) > roomBytes - widestCharacterBytes;
}
