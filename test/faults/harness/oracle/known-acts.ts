import type { Invariant } from './evidence.ts';

/** Every change that the target's log shows was made by a session that the ledger gave a fence to. */
export const everyActHasAFence: Invariant = ({ acts }) =>
  acts
    .filter(({ taskId }) => taskId === undefined)
    .map(
      ({ applicationName, statement, targetId }) =>
        `${targetId}: ${applicationName} did ${statement}, and holds no fence of the ledger`,
    );
