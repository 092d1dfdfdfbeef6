import type { LockMode } from '@slacktide/domain';
import type { Range } from './walk.ts';

/** How a statement has to be sent. */
export type StatementWay =
  /** Its rows are wanted; values are bound. */
  | 'rows'
  /** How many rows it changes is wanted; values are bound. */
  | 'change'
  /** VACUUM and ANALYZE end with success and a mere warning when they skip. */
  | 'vacuum'
  /** … INDEX CONCURRENTLY waits for others' snapshots, and leaves something behind when it fails. */
  | 'concurrent'
  /** Takes a lock on one relation, for which it waits in short goes. */
  | 'locking'
  /** Takes no lock on a relation. */
  | 'plain';

/** What a kind of statement is. */
export interface StatementRule {
  readonly kind: string;
  readonly way: StatementWay;
  readonly lockMode: LockMode | null;
  readonly isWrite: boolean;
  /** Doing it again does no more than doing it once. */
  readonly isIdempotent: boolean;
  /** The one relation it works on; null where there are several, or none. */
  readonly relation: Range | null;
  /** Of `concurrent`: what is done to which index, without its schema. */
  readonly concurrent?: { readonly operation: 'create' | 'reindex' | 'drop'; readonly index: string };
}

export type Ruling = StatementRule | { readonly refused: string };

/** Maintenance that may be done again, on one relation. */
export function work(
  rule: Pick<StatementRule, 'kind' | 'way' | 'lockMode' | 'relation'> & Partial<StatementRule>,
): StatementRule {
  return { isWrite: true, isIdempotent: true, ...rule };
}
