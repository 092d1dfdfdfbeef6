import { armFailpoints, orEnd, stopOnSignal } from '@slacktide/application';
import { executors } from '@slacktide/executors';
import { readArguments, usage } from './arguments.ts';
import { processEnvironment, readConfig } from './config.ts';
import { startWorker } from './worker.ts';

/** Beyond the drain time: aborting what is left, its statement on the target included, and closing connections. */
const stopGraceMs = 20_000;

const known = executors.map(({ taskType }) => taskType.type);
const args = process.argv.slice(2);
if (args.includes('--help')) {
  process.stdout.write(`${usage}\ntask types: ${known.join(', ')}\n`);
  process.exit(0);
}
const config = orEnd('worker', () => readConfig(processEnvironment(), readArguments(args, known)));
armFailpoints(processEnvironment()['FAILPOINTS']);
const worker = await startWorker(config, executors);
stopOnSignal({
  stop: () => worker.stop(),
  deadlineMs: config.drainMs + stopGraceMs,
  parentWatch: config.parentWatch,
  onLate: () => process.stderr.write('worker: not stopped in time, ending all the same\n'),
});
