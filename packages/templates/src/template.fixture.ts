import type { TemplateContent, TemplateParameter } from '@slacktide/domain';
import fc from 'fast-check';

/** A required parameter without bounds. */
export function parameter(
  name: string,
  type: TemplateParameter['type'],
  changes: Partial<TemplateParameter> = {},
): TemplateParameter {
  const none = { default: null, secret: false, maxLength: null, min: null, max: null, allowed: null };
  return { name, type, required: true, ...none, ...changes };
}

/** A template that purges orders, unless told otherwise. */
export function template(changes: Partial<TemplateContent> = {}): TemplateContent {
  return {
    name: 'purge-orders',
    description: 'Deletes old orders',
    statements: ['DELETE FROM public.orders WHERE placed_at < $1'],
    parameters: [parameter('before', 'timestamptz')],
    access: 'act',
    class: 'never_retry',
    lockMode: 'ROW EXCLUSIVE',
    ...changes,
  };
}

/** Characters of every kind, and often those that mean something in SQL. */
export function anyText(minLength: number, maxLength: number): fc.Arbitrary<string> {
  const special = fc.constantFrom(...'\'"$;-/*{}\\ \n\0().,1aE');
  const point = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));
  return fc.array(fc.oneof(special, point), { minLength, maxLength }).map((characters) => characters.join(''));
}
