/** What ids given by a caller, and keys of tasks, look like: lower case, begins with a letter or digit, 63 characters at most. */
export const identifierPattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** True when `text` may serve as the id of a schedule or target, or as the key of a task. */
export function isIdentifier(text: string): boolean {
  return identifierPattern.test(text);
}
