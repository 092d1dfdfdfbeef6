import { verifyAudit } from '@slacktide/application';
import { connectLedger } from '@slacktide/ledger';
import { compareFold, foldAudit, readFold } from '../../../support/fold-audit.ts';
import { until } from '../until.ts';
import type { Invariant } from './evidence.ts';

/** I4: the audit log alone, played from its beginning, leads to the states in the ledger, each change beginning where the last one ended. */
export const stateIsFoldOfAudit: Invariant = async ({ rig }) => {
  const { events, rows } = await readFold(rig.ledger);
  return compareFold(foldAudit(events), rows);
};

/** I4: every event is sealed soon, and the chains verify. */
export const auditChainVerifies: Invariant = async ({ rig }) => {
  const connection = connectLedger({ databaseUrl: rig.databaseUrl, applicationName: 'test/oracle', maxConnections: 2 });
  try {
    const { auditChain } = connection;
    await until('all events to be sealed', async () => (await auditChain.backlog()).unsealed === 0, {
      limitMs: 20_000,
    });
    const verdict = await verifyAudit({ auditChain, auditPublicKey: undefined }, {});
    return verdict.intact ? [] : [`the audit log does not verify: ${JSON.stringify(verdict)}`];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  } finally {
    await connection.close();
  }
};
