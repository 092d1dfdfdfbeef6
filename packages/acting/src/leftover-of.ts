import { workingCopyOf } from '@slacktide/targets';
import type { ConcurrentProof } from './concurrent-remnant.ts';
import type { UnusableIndex } from './unusable-indexes.ts';

/**
 * Whether an unusable index may be what the statement of this record left behind:
 *
 *   create    of the name it gives, and not there before
 *   reindex   `_ccold`: the very index that was being rebuilt, by its OID; `_ccnew`: not there before
 *   drop      the very index that was being dropped, by its OID, unless it is as unusable as before; and what REINDEX left that was to make it valid again, as above
 *
 * Who else is at work on the table is not asked here.
 */
export function isLeftoverOf(
  { oid, name, live }: Pick<UnusableIndex, 'oid' | 'name' | 'live'>,
  {
    operation,
    index,
    index_oid,
    indexes_before,
    was_usable,
  }: Pick<ConcurrentProof, 'operation' | 'index' | 'index_oid' | 'indexes_before' | 'was_usable'>,
): boolean {
  const isNew = !indexes_before.includes(oid);
  const isNewCopy = isNew && workingCopyOf(name, index) === 'ccnew';
  switch (operation) {
    case 'create':
      return isNew && name === index;
    case 'drop':
      return (oid === index_oid && (was_usable || !live)) || isNewCopy;
    case 'reindex':
      return isNewCopy || (oid === index_oid && workingCopyOf(name, index) === 'ccold');
  }
}

/** What has to be done about leftovers, in this order. */
export interface LeftoverWork {
  /** One of them is ours, but which cannot be told: none is touched. */
  readonly unclear: readonly UnusableIndex[];
  readonly drop: readonly UnusableIndex[];
  /** A DROP cut short left it unusable, not gone: rebuilt, it is valid again. */
  readonly rebuild: UnusableIndex | null;
}

/**
 * Sorts what `isLeftoverOf` found. A statement leaves one index at most: of several new ones some are somebody else's, and beside the very index that was
 * rebuilt all of them are. A dropped index that is not live any more, or whose successor has its name already, only has to go.
 */
export function sortLeftovers(leftovers: readonly UnusableIndex[], proof: ConcurrentProof): LeftoverWork {
  const own = leftovers.find(({ oid }) => oid === proof.index_oid);
  const fresh = proof.operation === 'reindex' && own !== undefined ? [] : leftovers.filter((index) => index !== own);
  const rebuilds = own?.live === true && proof.operation === 'drop' && workingCopyOf(own.name, proof.index) === null;
  return {
    unclear: fresh.length > 1 ? fresh : [],
    drop: [...(fresh.length > 1 ? [] : fresh), ...(own === undefined || rebuilds ? [] : [own])],
    rebuild: own !== undefined && rebuilds ? own : null,
  };
}
