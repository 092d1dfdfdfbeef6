import { z } from 'zod';
import { Text } from './fields.ts';

/** Paging of every list: newest first; pass `next_cursor` of the last page as `cursor` to go on. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: Text.min(1).max(500).optional(),
};

/** Envelope of a list. `next_cursor` is null on the last page. */
export function pageOf<Item extends z.ZodType>(item: Item, id: string) {
  return z.strictObject({ items: z.array(item), next_cursor: Text.nullable() }).meta({
    id,
    description: 'One page, newest first; `next_cursor` is null on the last',
    example: { items: [item.meta()?.['example']], next_cursor: null },
  });
}

/** Path parameters of whatever has an id. */
export const IdPath = z.strictObject({ id: Text.min(1).max(63) });

const QueryInstant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** A from-to filter: `from` included, `to` not. */
export const timeRangeQuery = { from: QueryInstant.optional(), to: QueryInstant.optional() };

/** A boolean in a query string: `true` or `false`. */
export const QueryBoolean = z.enum(['true', 'false']).transform((text) => text === 'true');
