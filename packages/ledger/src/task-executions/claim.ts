import type { ClaimResult } from '@slacktide/application/ports';
import { decideClaim, isTimeOrderedId, type SkipReason, terminalStates } from '@slacktide/domain';
import { insertAudit } from '../audit/insert-audit.ts';
import type { LedgerPool, LedgerSql } from '../sql.ts';
import { type ClaimRequest, type LockedFacts, lockClaimFacts } from './claim-facts.ts';
import { move } from './move.ts';
import { retryDeadlocks } from './retry-deadlocks.ts';
import { take } from './take.ts';

/** Writes what the domain's `decideClaim` decides, with everything it is decided by locked. Ids that are not ours, and jobs long pruned, are `over`. */
export async function claim(pool: LedgerPool, request: ClaimRequest): Promise<ClaimResult> {
  if (!isTimeOrderedId(request.taskId)) return { kind: 'over' };
  return retryDeadlocks(() => pool.begin((tx) => claimIn(tx, request)));
}

async function claimIn(tx: LedgerSql, request: ClaimRequest): Promise<ClaimResult> {
  const facts = await lockClaimFacts(tx, request);
  if (facts === undefined) return { kind: 'over' };
  const clockSkewMs = request.workerNow.getTime() - facts.now.getTime();
  const decision = decideClaim({ ...facts, generation: request.generation, clockSkewMs });
  switch (decision.kind) {
    case 'over':
    case 'not_yet':
      return decision;
    case 'skip':
      return skip(tx, facts, request, decision.reason);
    case 'claim':
      // A target with open jobs cannot be deleted; should it be gone all the same, its tasks end here instead of waiting for ever.
      if (facts.target === undefined) return skip(tx, facts, request, 'disabled');
      return { kind: 'claimed', claimed: await take(tx, facts, facts.target, request) };
  }
}

async function skip(
  tx: LedgerSql,
  { job, task, now }: LockedFacts,
  { workerId }: ClaimRequest,
  reason: SkipReason,
): Promise<ClaimResult> {
  const state = move(task.state, { kind: 'skip', reason });
  const entry = {
    action: 'task.skip',
    entity: 'task',
    entityId: task.id,
    reason,
    before: { state: task.state },
    after: { state },
  } as const;
  await tx`
    WITH skipped AS (
      UPDATE tasks SET state = ${state}, reason = ${reason}, finished_at = ${now}
      WHERE scheduled_for = ${job.scheduledFor} AND id = ${task.id}
    ), left_out AS ( -- what an earlier attempt had begun or planned
      UPDATE steps SET state = 'SKIPPED', reason = ${reason}, finished_at = ${now}
      WHERE scheduled_for = ${job.scheduledFor} AND task_id = ${task.id} AND state <> ALL(${terminalStates as unknown as string[]})
    )
    ${insertAudit(tx, { actor: `worker:${workerId}`, traceId: job.traceId }, [entry])}`;
  return { kind: 'skipped', reason };
}
