import type { Reconciliation, StuckTask } from '../ports/index.ts';
import type { Probe } from './health.ts';

/** Recovery takes over within seconds of a lease's end; a task still without a worker by then has none that could. */
const stuckAfterMs = 120_000;
const namedAtMost = 5;

/** No task waits for somebody: RUNNING without a lease, or for a person who says what became of it. */
export function neglectedTasksProbe(reconciliation: Pick<Reconciliation, 'listStuck' | 'listUnclear'>): Probe {
  return async () => {
    const [stuck, unclear] = await Promise.all([
      reconciliation.listStuck(stuckAfterMs, namedAtMost + 1),
      reconciliation.listUnclear(namedAtMost + 1),
    ]);
    const findings = [
      ...(stuck.length === 0 ? [] : [`running without a worker: ${named(stuck)}`]),
      ...(unclear.length === 0 ? [] : [`waiting for an operator: ${named(unclear)}`]),
    ];
    if (findings.length === 0) return { status: 'HEALTHY', message: 'no task waits for somebody' };
    return { status: 'DEGRADED', message: findings.join('; ') };
  };
}

function named(tasks: readonly StuckTask[]): string {
  const some = tasks.slice(0, namedAtMost).map(({ taskId, type, targetId }) => `${taskId} (${type} on ${targetId})`);
  return tasks.length > namedAtMost ? `${some.join(', ')} and more` : some.join(', ');
}
