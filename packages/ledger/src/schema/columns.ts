import { type SQL, sql } from 'drizzle-orm';
import { timestamp } from 'drizzle-orm/pg-core';

/** An instant to the millisecond, as JavaScript has it: what is written is what is read. */
export const instant = () => timestamp({ precision: 3, withTimezone: true });

/** `column IN (…)`, for a CHECK. */
export function oneOf(column: string, values: readonly string[]): SQL {
  return sql.raw(`${column} IN (${values.map((value) => `'${value}'`).join(', ')})`);
}

/** `a = b` of two conditions, for a CHECK: both or neither. */
export function bothOrNeither(one: SQL, other: SQL): SQL {
  return sql`(${one}) = (${other})`;
}

/** `a ⇒ b`, for a CHECK. */
export function implies(condition: SQL, consequence: SQL): SQL {
  return sql`NOT (${condition}) OR (${consequence})`;
}

/** Hours of a window: both or none, each 0 to 23. */
export const windowHours = sql.raw(
  `(window_start_hour IS NULL AND window_end_hour IS NULL)
    OR (window_start_hour BETWEEN 0 AND 23 AND window_end_hour BETWEEN 0 AND 23
      AND window_start_hour IS NOT NULL AND window_end_hour IS NOT NULL)`,
);

/** Ids a caller may choose for a schedule or target; a UUID fits too. */
export const callersId = sql.raw(`id ~ '^[a-z0-9][a-z0-9._-]{0,62}$'`);

/** The UUIDv7 `id` carries the instant of the column, for a CHECK. */
export function idCarries(column: string): SQL {
  return sql.raw(
    `('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint = (extract(epoch FROM ${column}) * 1000)::bigint`,
  );
}

/** So an id alone names the one partition to read. */
export const idCarriesInstant = idCarries('scheduled_for');
