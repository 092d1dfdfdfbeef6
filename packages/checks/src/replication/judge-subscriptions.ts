import type { ServerFacts, Subscription } from './facts.ts';
import { fine, found, joinParts, type Part, skip } from './part.ts';

/** Judges the subscriptions of the database. `errorsBefore` = what the counters were at the last look. */
export function judgeSubscriptions(
  subscriptions: readonly Subscription[],
  errorsBefore: ReadonlyMap<string, number>,
  server: ServerFacts,
): Part {
  return joinParts(
    subscriptions.map((subscription) =>
      server.inRecovery
        ? skip(`subscription ${subscription.name}`, 'on_a_standby')
        : judgeSubscription(subscription, newErrors(subscription, errorsBefore)),
    ),
  );
}

function judgeSubscription(subscription: Subscription, errors: number): Part {
  const { enabled, workerRuns } = subscription;
  const name = `subscription ${subscription.name}`;
  if (enabled && workerRuns && errors === 0) return fine;
  const counted = errors === 0 ? '' : ` after ${errors} ${errors === 1 ? 'error' : 'errors'}`;
  const [problem, text] = !enabled
    ? ['disabled', `is disabled${counted}`]
    : workerRuns
      ? ['errors', `goes on${counted}`]
      : ['not_running', `is enabled, but nothing applies its changes${counted}`];
  return found('subscription', name, {
    severity: enabled && !workerRuns ? 'critical' : errors > 0 ? 'warning' : 'info',
    summary: `Subscription "${subscription.name}" ${text}`,
    why: 'the cause is in the log of the server: a row that is there already, a table or column that is not, or the connection',
    evidence: {
      problems: [problem ?? 'errors'],
      subscription: subscription.name,
      enabled,
      worker_runs: workerRuns,
      slot: subscription.slotName,
      new_errors: errors,
      errors: subscription.errors,
      tables_not_ready: subscription.tablesNotReady,
      silent_seconds: subscription.silentSeconds === null ? null : Math.floor(subscription.silentSeconds),
    },
  });
}

/** A counter that fell was reset: what it says now is new. */
function newErrors({ name, errors }: Subscription, before: ReadonlyMap<string, number>): number {
  const earlier = before.get(name) ?? 0;
  const now = errors ?? 0;
  return now >= earlier ? now - earlier : now;
}
