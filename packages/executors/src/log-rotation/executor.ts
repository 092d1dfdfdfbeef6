import type { Executor } from '@slacktide/application/ports';
import { actOnFile } from './act-on-file.ts';
import { type LogFacts, readLogFacts } from './facts.ts';
import { planLogRotation } from './plan.ts';
import { rotateServerLog } from './rotate-server-log.ts';
import { type LogRotationConfig, taskType } from './schema.ts';
import { sweepFiles } from './sweep-files.ts';

/** Rotates the server's log and looks after old files: nothing is touched that is not, to the nanosecond, what the plan showed. */
export const logRotation: Executor<LogRotationConfig, LogFacts> = {
  taskType,
  readFacts: readLogFacts,
  plan: planLogRotation,
  runStep: (step, run) => (step.data['action'] === 'rotate' ? rotateServerLog(step, run) : actOnFile(step, run)),
  sweep: sweepFiles,
  summarise: (results) => {
    const done = results.flatMap(({ outcome }) => (outcome.kind === 'done' ? [outcome.result] : []));
    const count = (action: string): number => done.filter((result) => result['action'] === action).length;
    return {
      files: { deleted: count('delete'), compressed: count('compress'), archived: count('archive') },
      bytes_freed: done.reduce((sum, result) => sum + Number(result['bytes_freed'] ?? 0), 0),
    };
  },
};
