import type postgres from 'postgres';
import type { LedgerSql } from './sql.ts';

/** `WHERE` with all conditions that apply; nothing when none does. */
export function whereAll(sql: LedgerSql, conditions: readonly (postgres.Fragment | undefined)[]): postgres.Fragment {
  const [first, ...rest] = conditions.filter((condition) => condition !== undefined);
  if (first === undefined) return sql``;
  return rest.reduce((all, condition) => sql`${all} AND ${condition}`, sql`WHERE ${first}`);
}
