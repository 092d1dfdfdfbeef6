import type { StepRun } from '@slacktide/application/ports';

/** What acting on a target takes of a step's run; the configuration is the executor's own. */
export type ActRun = Pick<StepRun<unknown>, 'session' | 'observer' | 'signal' | 'progress' | 'remnant'>;
