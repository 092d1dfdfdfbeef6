import { armFailpoints, orEnd, stopOnSignal } from '@slacktide/application';
import { processEnvironment, readConfig } from './config.ts';
import { startControlPlane } from './control-plane.ts';

/** Requests and deliveries in hand end well within this. */
const stopDeadlineMs = 20_000;

const config = orEnd('control plane', () => readConfig(processEnvironment()));
armFailpoints(processEnvironment()['FAILPOINTS']);
const controlPlane = await startControlPlane(config);
stopOnSignal({
  stop: () => controlPlane.stop(),
  deadlineMs: stopDeadlineMs,
  parentWatch: config.parentWatch,
  onLate: () => process.stderr.write('control plane: not stopped in time, ending all the same\n'),
});
