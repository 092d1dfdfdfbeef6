import { isTerminal } from '@slacktide/domain';
import type { Invariant } from './evidence.ts';

/** I1: every accepted job is in the ledger, and over, or in the hands of an operator; and so is every other one. */
export const nothingLost: Invariant = ({ rig, jobs }) => {
  const known = new Set(jobs.map(({ id }) => id));
  const lost = [...rig.accepted].filter((id) => !known.has(id)).map((id) => `job ${id} was accepted and is gone`);
  const left = jobs
    .filter(({ state }) => !isTerminal(state) && state !== 'NEEDS_OPERATOR')
    .map((job) => `job ${job.id} is still ${job.state}: ${JSON.stringify(job.tasks)}`);
  const taskLeft = jobs.flatMap((job) =>
    isTerminal(job.state)
      ? job.tasks
          .filter(({ state }) => !isTerminal(state as never))
          .map((task) => `job ${job.id} is ${job.state}, its task ${task.id} is ${task.state}`)
      : [],
  );
  return [...lost, ...left, ...taskLeft];
};
