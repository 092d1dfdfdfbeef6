import { type ObservedKind, observedKinds } from '@slacktide/application/ports';
import { sql } from 'drizzle-orm';
import { bigint, check, doublePrecision, index, pgTable, text, unique } from 'drizzle-orm/pg-core';
import { instant, oneOf } from './columns.ts';

/**
 * What is watched on each node of a target, as it was read last. Figures stand in arrays in the order of the names beside them, which
 * only grow: so the arrays of older samples can be read by the names of today.
 */
export const observedObjects = pgTable(
  'observed_objects',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** Null: the target was deleted; it is forgotten with its samples by and by. */
    targetId: text(),
    node: text().notNull(),
    kind: text().$type<ObservedKind>().notNull(),
    oid: bigint({ mode: 'number' }).notNull(),
    name: text().notNull(),
    filenode: bigint({ mode: 'number' }),
    epoch: text().notNull(),
    spanStartedAt: instant().notNull(),
    lastSampledAt: instant().notNull(),
    /** When it was read otherwise than before; then a sample was written. */
    changedAt: instant().notNull(),
    counterNames: text().array().$type<readonly string[]>().notNull(),
    counters: doublePrecision().array().$type<readonly (number | null)[]>().notNull(),
    /** The counters when the span began. */
    spanCounters: doublePrecision().array().$type<readonly (number | null)[]>().notNull(),
    gaugeNames: text().array().$type<readonly string[]>().notNull(),
    gauges: doublePrecision().array().$type<readonly (number | null)[]>().notNull(),
    goneAt: instant(),
  },
  (table) => [
    unique('observed_objects_object').on(table.targetId, table.node, table.kind, table.oid),
    index('observed_objects_gone').on(table.goneAt).where(sql`gone_at IS NOT NULL`),
    check('observed_objects_kind', oneOf('kind', observedKinds)),
    check(
      'observed_objects_figures',
      sql`cardinality(counters) = cardinality(counter_names) AND cardinality(span_counters) = cardinality(counter_names)
        AND cardinality(gauges) = cardinality(gauge_names)`,
    ),
  ],
);
