import { followChain } from '@slacktide/application';
import type { UpkeepStore } from '@slacktide/application/ports';
import { createAuditChain } from '../audit/create-audit-chain.ts';
import { readHeads } from '../audit/read-heads.ts';
import { toAppError, withLedgerErrors } from '../ledger-errors.ts';
import type { LedgerPool } from '../sql.ts';
import { beginExport, completeExport, latestExports } from './audit-exports.ts';
import { settleMessage } from './settle-message.ts';
import { stuckMessages } from './stuck-messages.ts';
import { verifyAudit } from './verify-audit.ts';

/** What tasks about our own ledger read and write. */
export function createUpkeep(pool: LedgerPool): UpkeepStore {
  const auditChain = createAuditChain(pool);
  return {
    ...withLedgerErrors<Omit<UpkeepStore, 'readChain'>>({
      stuckMessages: (filter) => stuckMessages(pool, filter),
      auditHeads: () => readHeads(pool),
      async auditHash(stream, seq) {
        const [link] = await auditChain.listSealed(stream, seq - 1, 1);
        return link?.seal.seq === seq ? link.seal.hash : undefined;
      },
      latestExports: (folder) => latestExports(pool, folder),
      settleMessage: (...message) => settleMessage(pool, ...message),
      verifyAudit: (...look) => verifyAudit(pool, ...look),
      beginExport: (...begun) => beginExport(pool, ...begun),
      completeExport: (...written) => completeExport(pool, ...written),
    }),
    async *readChain(stretch) {
      try {
        yield* followChain(auditChain, stretch);
      } catch (error) {
        throw toAppError(error);
      }
    },
  };
}
