import type { Invariant } from './evidence.ts';

/**
 * I5: nothing is written under a stale fence. By the audit: fences of a target only grow, and while a task runs every worker's
 * event on it is of the worker that holds it. (A task that waits may be skipped by whoever is given it.)
 */
export const noStaleWrites: Invariant = ({ audit, jobs }) => {
  const violations: string[] = [];
  const targetOf = new Map(jobs.flatMap(({ targetId, tasks }) => tasks.map(({ id }) => [id, targetId] as const)));
  const lastFence = new Map<string, number>();
  const holders = new Map<string, string>();
  for (const { action, actor, after, before, entity, entityId, id } of audit) {
    if (entity !== 'task') continue;
    const fence = after?.['fence'];
    if (typeof fence === 'number') {
      const target = targetOf.get(entityId) ?? 'unknown';
      const last = lastFence.get(target) ?? 0;
      if (fence <= last) violations.push(`audit ${id}: ${action} got fence ${fence} on ${target} after ${last}`);
      lastFence.set(target, Math.max(last, fence));
      holders.set(entityId, actor);
      continue;
    }
    const holder = holders.get(entityId);
    const isWaiting = holder === undefined && before?.['state'] === 'PENDING';
    if (actor.startsWith('worker:') && holder !== actor && !isWaiting) {
      violations.push(
        `audit ${id}: ${actor} wrote ${action} of task ${entityId}, which is held by ${holder ?? 'nobody'}`,
      );
    }
    const state = after?.['state'];
    if (typeof state === 'string' && state !== 'RUNNING') holders.delete(entityId);
  }
  return violations;
};
