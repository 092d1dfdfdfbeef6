import { AppError, failpoint } from '@slacktide/application';
import type { Committed, RequestContext } from '@slacktide/application/ports';
import type { Json } from '@slacktide/domain';
import type { AuditAuthor } from './audit/insert-audit.ts';
import { writeAudit } from './audit/write-audit.ts';
import { claimKey, keepResult } from './idempotency.ts';
import { isLockTimeout, toAppError } from './ledger-errors.ts';
import type { LedgerPool, LedgerSql } from './sql.ts';

/** `Ledger.transaction`: claim the key, work, audit, keep the result; all of it or nothing. */
export async function runTransaction<T extends Json>(
  pool: LedgerPool,
  ctx: RequestContext,
  work: (sql: LedgerSql) => Promise<Committed<T>>,
): Promise<T> {
  const { idempotency } = ctx;
  try {
    const { result } = await pool.begin(async (sql) => {
      const claim = idempotency && (await claimKey(sql, idempotency));
      if (claim?.kind === 'repeat') return { result: claim.result as T };
      const { result, audit } = await work(sql);
      await writeAudit(sql, authorOf(ctx), audit);
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

/** Whoever asks, as the audit log names them. */
export function authorOf({ actor, traceId }: RequestContext): AuditAuthor {
  return { actor: `${actor.kind}:${actor.id}`, traceId };
}
