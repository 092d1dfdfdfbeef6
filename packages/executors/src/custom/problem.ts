import type { ConfigProblem } from '@slacktide/application/ports';

/** Something that was asked for, or why it cannot be had. */
export type Sound<T> =
  | { readonly kind: 'sound'; readonly value: T }
  | { readonly kind: 'refused'; readonly problems: readonly ConfigProblem[] };

export function sound<T>(value: T): Sound<T> {
  return { kind: 'sound', value };
}

export function refused(pointer: string, code: string, detail: string): Extract<Sound<never>, { kind: 'refused' }> {
  return { kind: 'refused', problems: [{ pointer, code, detail }] };
}
