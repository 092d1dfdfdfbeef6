import { TargetError, type TargetReader } from '@slacktide/application/ports';
import type { Constraint } from './read.ts';
import type { ViolatorSearch } from './read-searches.ts';
import type { InvalidConstraintConfig } from './schema.ts';

/** What is known of the rows that break a constraint. */
export type Violators =
  /** `violators` = the limit: there may be more. */
  | { readonly kind: 'counted'; readonly violators: number; readonly find: string | null }
  | {
      readonly kind: 'not_counted';
      readonly because: string;
      readonly grant: string | null;
      readonly find: string | null;
      /** The server gave up on a row: VALIDATE would come to the same. */
      readonly failed: boolean;
    };

const bytesPerMebibyte = 1_048_576;

/** Why rows are not counted; null = they can be. Nothing that somebody defined may run as our role. */
export function whyNotCounted(
  { builtIn }: Pick<Constraint, 'builtIn'>,
  search: ViolatorSearch | undefined,
  config: InvalidConstraintConfig,
): string | null {
  if (config.count_limit === 0) return 'count_limit is 0';
  if (search === undefined) return 'too many constraints for one run';
  if (!builtIn)
    return 'it calls functions or operators that somebody defined, which would run with the rights of this role';
  if (search.locked) return 'locked';
  if (search.foreign) return 'foreign tables are not read';
  if (search.userCode) {
    return 'an index, a constraint, a partition key or statistics of the table call functions that somebody defined, which would run with the rights of this role';
  }
  if (!search.readable) return 'this role may not read the table';
  if (search.rowSecurity)
    return 'row security hides rows from this role, and its conditions would run with the rights of this role';
  if (search.find === null && !search.unused) return 'there is no plain query for a constraint of this kind';
  return null;
}

/** Counts what breaks each of `constraints`, as far as the budget of bytes to read goes. */
export async function countViolators(
  reader: TargetReader,
  constraints: readonly Constraint[],
  searches: readonly ViolatorSearch[],
  config: InvalidConstraintConfig,
): Promise<ReadonlyMap<number, Violators>> {
  const searchOf = new Map(searches.map((search) => [search.constraintOid, search]));
  const known = new Map<number, Violators>();
  let budgetBytes = config.count_budget_mb * bytesPerMebibyte;
  for (const constraint of constraints) {
    if (known.has(constraint.oid)) continue;
    const search = searchOf.get(constraint.oid);
    const find = search?.find ?? null;
    const because = whyNotCounted(constraint, search, config);
    if (because !== null || search === undefined) {
      known.set(constraint.oid, {
        kind: 'not_counted',
        because: because ?? '',
        grant: search?.grant ?? null,
        find,
        failed: false,
      });
    } else if (search.sizeBytes > budgetBytes) {
      known.set(constraint.oid, {
        kind: 'not_counted',
        because: 'count_budget_mb is used up',
        grant: null,
        find,
        failed: false,
      });
    } else {
      budgetBytes -= search.sizeBytes;
      known.set(constraint.oid, await countOne(reader, search, config));
    }
  }
  return known;
}

async function countOne(
  reader: TargetReader,
  { count, find }: ViolatorSearch,
  config: InvalidConstraintConfig,
): Promise<Violators> {
  if (count === null || find === null) return { kind: 'counted', violators: 0, find: null };
  try {
    const [row] = await reader.query<{ violators: number }>(count, [config.count_limit]);
    return { kind: 'counted', violators: row?.violators ?? 0, find };
  } catch (error) {
    if (!(error instanceof TargetError) || !passing.includes(error.code)) throw error;
    // Not its message, which can hold values of a row.
    const because = `counting failed: ${error.code}${error.sqlState === null ? '' : `, SQLSTATE ${error.sqlState}`}`;
    const failed = error.code === 'statement_failed' && error.sqlState !== cancelled;
    return { kind: 'not_counted', because, grant: null, find, failed };
  }
}

/** By somebody else: that says nothing of the rows. */
const cancelled = '57014';

/** They tell of this one query; the session goes on. */
const passing: readonly TargetError['code'][] = [
  'statement_timeout',
  'lock_timeout',
  'insufficient_privilege',
  'statement_failed',
];
