import { bigint, check, doublePrecision, index, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { instant, oneOf } from './columns.ts';

export const resolutions = ['hour', 'day'] as const;

/**
 * The last figures of an object in an hour, later in a day; none where nothing had changed. No reference to the object: checking it for every
 * row costs more than writing the row.
 */
export const objectSamples = pgTable(
  'object_samples',
  {
    objectId: bigint({ mode: 'number' }).notNull(),
    /** Beginning of the hour or the UTC day. */
    at: instant().notNull(),
    resolution: text().$type<(typeof resolutions)[number]>().notNull(),
    counters: doublePrecision().array().notNull(),
    gauges: doublePrecision().array().notNull(),
    /** Of a day: the highest of each gauge. */
    gaugePeaks: doublePrecision().array(),
  },
  (table) => [
    primaryKey({ name: 'object_samples_pkey', columns: [table.objectId, table.at, table.resolution] }),
    // What is rolled up and forgotten, by age.
    index('object_samples_by_age').on(table.resolution, table.at),
    check('object_samples_resolution', oneOf('resolution', resolutions)),
  ],
);
