import type { FoundFinding } from '@slacktide/domain';
import { describeAge } from '../catalogue/sessions.ts';
import { describeWaiters } from './judge-session.ts';
import type { OperationFacts } from './read.ts';
import type { StaleOperationConfig } from './schema.ts';

/** One entry a prepared transaction: null = it is young. */
export function judgePrepared(facts: OperationFacts, config: StaleOperationConfig): (FoundFinding | null)[] {
  const xminAges = new Map(
    facts.holders.flatMap(({ kind, name, ageTransactions }) =>
      kind === 'prepared_transaction' && name !== null ? [[name, ageTransactions] as const] : [],
    ),
  );
  return facts.prepared.map(({ gid, owner, preparedAt, seconds, blocks, statement }) => {
    const xminAge = xminAges.get(gid) ?? 0;
    if (seconds <= config.prepared_transaction_seconds && xminAge <= config.xmin_age_transactions) return null;
    return {
      fingerprint: `prepared transaction ${gid}`,
      severity: blocks > 0 ? 'critical' : 'warning',
      object: { kind: 'prepared_transaction', schema: null, name: `prepared transaction ${gid}`, table: null },
      summary: `Transaction "${gid}" of ${owner} was prepared ${describeAge(seconds)} ago and never finished${describeWaiters(blocks)}`,
      evidence: {
        kind: 'prepared_transaction',
        gid,
        owner,
        prepared_at: preparedAt,
        prepared_seconds: Math.floor(seconds),
        xmin_age_transactions: xminAge,
        blocks,
        statement,
        no_action_because:
          'only its transaction manager, or a person, can know whether it is to be committed or rolled back',
      },
      action: null,
    };
  });
}
