import { AppError, failpoint } from '@slacktide/application';
import type { Committed, RequestContext } from '@slacktide/application/ports';
import type { Json } from '@slacktide/domain';
import { writeAudit } from './audit/write-audit.ts';
import { claimKey, keepResult } from './idempotency.ts';
import { isLockTimeout, toAppError } from './ledger-errors.ts';
import type { LedgerPool, LedgerSql } from './sql.ts';

/** `Ledger.transaction`: claim the key, work, audit, keep the result; all of it or nothing. */
export async function runTransaction<T extends Json>(
  pool: LedgerPool,
  { actor, traceId, idempotency }: RequestContext,
  work: (sql: LedgerSql) => Promise<Committed<T>>,
): Promise<T> {
  try {
    const { result } = await pool.begin(async (sql) => {
      const claim = idempotency && (await claimKey(sql, idempotency));
      if (claim?.kind === 'repeat') return { result: claim.result as T };
      const { result, audit } = await work(sql);
      await writeAudit(sql, { actor: `${actor.kind}:${actor.id}`, traceId }, audit);
      if (idempotency !== undefined) await keepResult(sql, idempotency, result);
      await failpoint('transaction.before_commit');
      return { result };
    });
    await failpoint('transaction.after_commit');
    return result;
  } catch (error) {
    if (isLockTimeout(error)) {
      throw new AppError('request_in_flight', 'another request is changing the same thing; try again', {
        cause: error,
      });
    }
    throw toAppError(error);
  }
}
