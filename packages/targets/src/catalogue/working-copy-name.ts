/** Longest name of PostgreSQL, in bytes. */
const longestNameBytes = 63;
/** A multibyte character that does not fit is dropped whole, so a clipped name may be up to so much shorter. */
const widestCharacterBytes = 4;

/** Whether `name` has the suffix of what REINDEX CONCURRENTLY makes beside an index. Proves nothing. */
export function hasWorkingCopySuffix(name: string): boolean {
  return /_cc(?:new|old)\d*$/.test(name);
}

/** What REINDEX CONCURRENTLY makes beside an index: the new one before it is swapped in, or the old one after. */
export type WorkingCopy = 'ccnew' | 'ccold';

/**
 * As which working copy of the index `base` REINDEX CONCURRENTLY would name something `name`: `base_ccnew`, `base_ccold`, numbered when taken,
 * with the base clipped where the whole would be too long; null = as none. The name alone proves nothing.
 */
export function workingCopyOf(name: string, base: string): WorkingCopy | null {
  const [, prefix, label, kind] = /^(.*)_((ccnew|ccold)\d*)$/s.exec(name) ?? [];
  if (prefix === undefined || label === undefined) return null;
  const copy = kind === 'ccnew' ? 'ccnew' : 'ccold';
  if (prefix === base) return copy;
  const roomBytes = longestNameBytes - 1 - label.length;
  const isClipped = base.startsWith(prefix) && Buffer.byteLength(prefix) > roomBytes - widestCharacterBytes;
  return isClipped ? copy : null;
}

/** Whether `name` is what a working copy of `base` would be called. */
export function isWorkingCopyName(name: string, base: string): boolean {
  return workingCopyOf(name, base) !== null;
}
