import type { FoundFinding } from '@slacktide/domain';
import type { XminHolder } from '@slacktide/targets';
import type { OperationFacts } from './read.ts';
import type { StaleOperationConfig } from './schema.ts';

/** One entry a replication slot that holds something back; null = not from long ago. */
export function judgeSlots(facts: OperationFacts, config: StaleOperationConfig): (FoundFinding | null)[] {
  return oldestOfEach(facts.holders, 'replication_slot', ({ name }) => name).map(([name, holder]) => {
    const { ageTransactions, catalogOnly, state } = holder;
    if (ageTransactions <= config.xmin_age_transactions) return null;
    const statement = facts.slotStatements.get(name);
    return {
      fingerprint: `slot ${name}`,
      severity: 'warning',
      object: { kind: 'slot', schema: null, name: `slot ${name}`, table: null },
      summary: `Replication slot "${name}" (${state}) keeps ${catalogOnly ? 'catalogue rows' : 'rows'} that died up to ${ageTransactions} transactions ago`,
      evidence: {
        kind: 'xmin_holder',
        slot: name,
        state,
        xmin: holder.xmin,
        xmin_age_transactions: ageTransactions,
        catalogue_only: catalogOnly,
        no_action_because: 'whoever reads from the slot loses its place when it is dropped',
        ...(statement === undefined ? {} : { statement }),
      },
      action: null,
    };
  });
}

/** One entry a standby that holds rows back by hot_standby_feedback; null = not from long ago. */
export function judgeStandbys(facts: OperationFacts, config: StaleOperationConfig): (FoundFinding | null)[] {
  return oldestOfEach(
    facts.holders,
    'standby_feedback',
    ({ applicationName, pid }) => applicationName ?? `pid ${pid}`,
  ).map(([name, { ageTransactions, user, xmin }]) => {
    if (ageTransactions <= config.xmin_age_transactions) return null;
    return {
      fingerprint: `standby ${name}`,
      severity: 'warning',
      object: { kind: 'standby', schema: null, name: `standby ${name}`, table: null },
      summary: `Standby "${name}" keeps rows that died up to ${ageTransactions} transactions ago, for queries of its own (hot_standby_feedback)`,
      evidence: {
        kind: 'xmin_holder',
        standby: name,
        user,
        xmin,
        xmin_age_transactions: ageTransactions,
        no_action_because: 'the query that needs the rows runs on the standby',
      },
      action: null,
    };
  });
}

/** Holders come the oldest first; a slot has up to two rows, and standbys may share a name. */
function oldestOfEach(
  holders: readonly XminHolder[],
  kind: XminHolder['kind'],
  nameOf: (holder: XminHolder) => string | null,
): [string, XminHolder][] {
  const oldest = new Map<string, XminHolder>();
  for (const holder of holders) {
    const name = holder.kind === kind ? nameOf(holder) : null;
    if (name !== null && !oldest.has(name)) oldest.set(name, holder);
  }
  return [...oldest];
}
