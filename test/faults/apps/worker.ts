import { orEnd, stopOnSignal } from '@slacktide/application';
import { executors } from '@slacktide/executors';
import { readArguments } from '../../../apps/worker/src/arguments.ts';
import { processEnvironment, readConfig } from '../../../apps/worker/src/config.ts';
import { startWorker } from '../../../apps/worker/src/worker.ts';
import { witnessExecutors } from '../harness/witness-executors.ts';
import { takeFailpoints } from './take-failpoints.ts';

/** As the real main, with the witness task types on top and failpoints that can be armed at any time. */
const all = [...executors, ...witnessExecutors];
const known = all.map(({ taskType }) => taskType.type);
const config = orEnd('worker', () => readConfig(processEnvironment(), readArguments(process.argv.slice(2), known)));
takeFailpoints(processEnvironment());
const worker = await startWorker(config, all);
stopOnSignal({
  stop: () => worker.stop(),
  deadlineMs: config.drainMs + 20_000,
  parentWatch: config.parentWatch,
  onLate: () => process.stderr.write('worker: not stopped in time, ending all the same\n'),
});
