import { resolve } from 'node:path';

/** What breaks a line, or shows a name otherwise than it is: control characters, separators, marks that turn the direction of text. */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{200e}\u{200f}\u{fffd}]/u;

/** A name of a file in a folder, and nothing else: no path, nothing that shows otherwise than it is. */
export function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !unsafe.test(name);
}

/** An absolute path in its plainest form: no `.`, `..`, doubled or final slash. The root of all is none. */
export function isPlainFolder(path: string): boolean {
  return path !== '/' && path.startsWith('/') && resolve(path) === path && !unsafe.test(path);
}

/** Whether `path` is one of the folders, or lies within one. Both in their plainest form. */
export function isWithin(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

/** A name of bytes as text; undefined when it is not UTF-8, and so no text names it. */
export function nameOfBytes(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** On one line and without doubt, for people: in quotes, with escapes, where it is not of plain characters. */
export function shown(path: string): string {
  if (/^[\w./+:@%=,*?-]+$/.test(path)) return path;
  return JSON.stringify(path).replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, escaped);
}

function escaped(char: string): string {
  return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
}

/** A simple pattern of names as a test: `*` for any characters, `?` for one, everything else for itself. Takes no longer than their lengths multiplied. */
export function nameMatcher(pattern: string): (name: string) => boolean {
  const wanted = Array.from(pattern);
  // A leading dot hides a file: it has to be asked for, as in a shell.
  return (name) => (!name.startsWith('.') || pattern.startsWith('.')) && matches(wanted, Array.from(name));
}

/** On a mismatch the last `*` takes one character more: those before it need never be tried again. */
function matches(pattern: readonly string[], name: readonly string[]): boolean {
  let [at, star, retry] = [0, -1, 0];
  for (let i = 0; i < name.length; ) {
    if (pattern[at] === '*') {
      [star, retry] = [at, i];
      at += 1;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[i])) {
      at += 1;
      i += 1;
    } else if (star >= 0) {
      retry += 1;
      [at, i] = [star + 1, retry];
    } else {
      return false;
    }
  }
  return pattern.slice(at).every((char) => char === '*');
}
