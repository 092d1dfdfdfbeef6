import { orEnd, stopOnSignal } from '@slacktide/application';
import type { TargetGateway, TargetReader } from '@slacktide/application/ports';
import { createPostgresGateway } from '@slacktide/targets';
import { processEnvironment, readConfig } from '../../../apps/worker/src/config.ts';
import { startWorker } from '../../../apps/worker/src/worker.ts';
import { loadExecutors } from './load-executors.ts';

// The worker as it is, with the executors of the load tests. `no-sessions` leaves out the one thing that is the target's:
// the session to it. usage: load-worker.ts sessions|no-sessions CONCURRENCY

const reader: TargetReader = {
  serverVersion: 180000,
  identity: {
    pid: 1,
    backendStart: '2026-11-22 12:00:00.000000+00',
    applicationName: 'slacktide/load/1',
    epoch: { systemIdentifier: '1', postmasterStart: '2026-11-22 12:00:00.000000+00', timeline: '1' },
  },
  query: () => Promise.resolve([]),
};
const sessionless: TargetGateway = {
  ...createPostgresGateway({ env: {} }),
  inspect: () => Promise.reject(new Error('no sessions')),
  read: (_address, _options, use) => use(reader),
};

const [sessions, concurrency] = process.argv.slice(2);
const taskTypes = loadExecutors.map(({ taskType }) => taskType.type);
const config = orEnd('load worker', () =>
  readConfig(processEnvironment(), { taskTypes, concurrency: Number(concurrency) }),
);
const worker = await startWorker(config, loadExecutors, sessions === 'sessions' ? {} : { gateway: sessionless });
stopOnSignal({
  stop: () => worker.stop(),
  deadlineMs: 15_000,
  parentWatch: config.parentWatch,
  onLate: () => process.stderr.write('load worker: not stopped in time\n'),
});
process.send?.('ready');
