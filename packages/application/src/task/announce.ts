import { failpoint } from '../failpoint/index.ts';
import type { ClaimedTask, Intent, TaskExecutions } from '../ports/index.ts';
import { whileLeased } from './persistently.ts';
import { TaskAbort } from './task-abort.ts';

/** The last look before something is done on the target: window, cancel, halt, by the ledger's clock. */
export type Gate = Awaited<ReturnType<TaskExecutions['gate']>>;

/**
 * Asks the gate each time it is called; the first time it is open, writes who is about to act (law 6). Nothing that changes the target is done
 * before. `onIntent` is called before the writing: from then on nobody may take for granted that the target was left alone.
 */
export function announcer(options: {
  readonly executions: Pick<TaskExecutions, 'gate' | 'recordIntent'>;
  readonly claimed: ClaimedTask;
  readonly identity: Intent;
  readonly signal: AbortSignal;
  readonly onIntent: () => void;
}): () => Promise<Gate> {
  const { executions, claimed, identity, signal, onIntent } = options;
  let announced = false;
  return async () => {
    const gate = await whileLeased(signal, () => executions.gate(claimed));
    if (gate.kind === 'closed' || announced) return gate;
    await failpoint('intent.before');
    signal.throwIfAborted();
    onIntent();
    const recorded = await whileLeased(signal, () => executions.recordIntent(claimed, identity));
    if (!recorded) throw new TaskAbort('lease_lost');
    announced = true;
    await failpoint('intent.after');
    return gate;
  };
}
