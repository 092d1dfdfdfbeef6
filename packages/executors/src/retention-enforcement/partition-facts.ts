import type { TargetReader } from '@slacktide/application/ports';
import type { Count, Counter } from './counting.ts';
import { holdParameters } from './holds.ts';
import { type PartitionFacts, type PartitionRow, readChildren, readDetails } from './partitions.ts';
import type { ResolvedRule } from './rule-facts.ts';
import { heldCountSql } from './statements.ts';
import { whyNot } from './why-not.ts';

export interface PartitionsFacts {
  readonly kind: 'partitions';
  /** All that were looked at, expired or not. */
  readonly checked: number;
  /** Those past the cutoff as a whole that were looked into, in the order in which they are to go. */
  readonly expired: readonly PartitionFacts[];
  /** Those for later runs, quoted: nothing need be known of them. */
  readonly waiting: readonly string[];
}

/** One past the cutoff, with what its parent tells. */
type Expired = PartitionRow & Pick<PartitionFacts, 'defaultPartition' | 'defaultRows' | 'pendingSibling'>;

/**
 * Reads which partitions are past the cutoff, and of as many as one run takes on all that decides about them. Of one that is not over, but is itself divided
 * by the same column, the parts are looked at. `counts` false = only what protects rows is counted.
 */
export async function readPartitionFacts(
  reader: TargetReader,
  resolved: ResolvedRule,
  counts: boolean,
  counter: Counter,
): Promise<PartitionsFacts> {
  const { holds, rule, table } = resolved;
  const { checked, found } = await findExpired(reader, resolved, table.oid, counter);
  const expired: PartitionFacts[] = [];
  const waiting: string[] = [];
  let free = 0;
  for (const one of found.toSorted(byTurn)) {
    if (free >= rule.max_partitions) {
      waiting.push(one.quoted);
      continue;
    }
    const details = await readDetails(reader, one.oid, one.parentOid);
    const held = holds.length === 0 ? 0 : await counter.count(heldCountSql(one.quoted, holds), holdParameters(holds));
    const rows = counts ? await counter.count(`SELECT count(*)::float8 AS rows FROM ${one.quoted}`, []) : null;
    const facts: PartitionFacts = { ...one, ...details, held, rows };
    expired.push(facts);
    if (whyNot(facts, resolved) === null) free += 1;
  }
  return { kind: 'partitions', checked, expired, waiting };
}

async function findExpired(
  reader: TargetReader,
  resolved: ResolvedRule,
  parentOid: number,
  counter: Counter,
): Promise<{ readonly checked: number; readonly found: readonly Expired[] }> {
  const { axis, cutoff, rule } = resolved;
  const children = await readChildren(reader, parentOid, { type: axis.type, column: rule.column }, cutoff);
  const standard = children.find(({ isDefault }) => isDefault);
  const due = children.filter(({ expired }) => expired);
  const defaultRows: Count = due.length > 0 && standard !== undefined ? await countDefault(standard) : 0;
  const found: Expired[] = due.map((child) => ({
    ...child,
    defaultPartition: standard?.quoted ?? null,
    defaultRows,
    pendingSibling: children.find(({ pending, oid }) => pending && oid !== child.oid)?.quoted ?? null,
  }));
  let checked = children.length;
  for (const child of children.filter(({ expired, divides }) => !expired && divides)) {
    const below = await findExpired(reader, resolved, child.oid, counter);
    checked += below.checked;
    found.push(...below.found);
  }
  return { checked, found };

  function countDefault({ quoted }: PartitionRow): Promise<Count> {
    const old = `SELECT FROM ${quoted} AS t WHERE t.${axis.column} < $1::${axis.type} LIMIT 1000`;
    return counter.count(`SELECT count(*)::float8 AS rows FROM (${old}) AS found`, [cutoff.value]);
  }
}

/** A detach that was cut short comes first, for no other of its table can begin; then the oldest. */
function byTurn(a: Expired, b: Expired): number {
  return Number(b.pending) - Number(a.pending) || (a.order ?? 0) - (b.order ?? 0) || a.oid - b.oid;
}
