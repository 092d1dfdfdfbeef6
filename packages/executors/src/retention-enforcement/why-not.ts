import { isUnknown } from './counting.ts';
import type { PartitionFacts } from './partitions.ts';
import type { ResolvedRule } from './rule-facts.ts';

/** Why an expired partition stays all the same; null = it may go. */
export function whyNot(partition: PartitionFacts, { method }: Pick<ResolvedRule, 'method'>): string | null {
  const { defaultPartition, defaultRows, dependents, held, hasForeign, pending, pendingSibling, rowSecurity } =
    partition;
  if (typeof held === 'number' && held > 0) return `legal_hold: ${held} rows`;
  if (rowSecurity) return 'row_security: policies hide rows from our role';
  if (hasForeign) return 'foreign_table';
  if (isUnknown(defaultRows)) return `default_not_read: ${defaultPartition}`;
  if (defaultRows !== null && defaultRows > 0) return `default_holds_expired_rows: ${defaultPartition}`;
  if (pendingSibling !== null && !pending) return `detach_pending: ${pendingSibling}`;
  if (method === 'drop' && dependents.length > 0) return `has_dependents: ${dependents.join('; ')}`;
  return null;
}
