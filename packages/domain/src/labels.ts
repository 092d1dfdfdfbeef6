/** Bounds of labels: they are copied into selections, metrics and audit events. */
export const maxLabels = 64;
export const maxLabelKeyLength = 63;
export const maxLabelValueLength = 255;

const keyPattern = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;
// PostgreSQL cannot store U+0000 in text, and no label needs the other control characters or half a surrogate pair.
const unstorable = /[\p{Cc}\p{Cs}]/u;

export interface LabelProblem {
  /** RFC 6901 pointer into the labels, e.g. `/team`; empty for the labels as a whole. */
  readonly pointer: string;
  readonly code: 'too_many' | 'invalid_key' | 'invalid_value';
  readonly detail: string;
}

/** What is wrong with labels; empty when nothing is. Keys: 1 to 63 letters, digits, `.`, `_`, `-` and `/`. Values: up to 255 characters. */
export function checkLabels(labels: Readonly<Record<string, string>>): readonly LabelProblem[] {
  const entries = Object.entries(labels);
  if (entries.length > maxLabels) {
    return [{ pointer: '', code: 'too_many', detail: `expected at most ${maxLabels} labels, got ${entries.length}` }];
  }
  return entries.flatMap(([key, value]): LabelProblem[] => {
    const pointer = `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!keyPattern.test(key) || key.length > maxLabelKeyLength) {
      const detail = `a label's key has 1 to ${maxLabelKeyLength} letters, digits, ".", "_", "-" or "/", and begins with a letter or digit`;
      return [{ pointer, code: 'invalid_key', detail }];
    }
    if (value.length > maxLabelValueLength || unstorable.test(value)) {
      const detail = `a label's value has at most ${maxLabelValueLength} characters, none of them a control character`;
      return [{ pointer, code: 'invalid_value', detail }];
    }
    return [];
  });
}
