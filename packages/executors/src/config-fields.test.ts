import { describe, expect, it } from 'vitest';
import { relationName } from './config-fields.ts';

describe('relationName', () => {
  it.each([
    'orders',
    'public.orders',
    'Order Items',
    'public."Order; ""Items"""',
    '"public"."orders"',
    'größe',
    'my-table',
  ])('takes %s', (name) => expect(relationName.safeParse(name).success).toBe(true));

  it.each(['', 't"; drop table x; --', 'a;b', 'public."open', 'line\nbreak', 'nul\0', '"nul\0"', 'x'.repeat(301)])(
    'refuses %j',
    (name) => expect(relationName.safeParse(name).success).toBe(false),
  );
});
