import { orEnd, stopOnSignal } from '@slacktide/application';
import { taskTypes } from '@slacktide/executors/schemas';
import { processEnvironment, readConfig } from '../../../apps/control-plane/src/config.ts';
import { startControlPlane } from '../../../apps/control-plane/src/control-plane.ts';
import { witnessTaskTypes } from '../harness/witness-types.ts';
import { takeFailpoints } from './take-failpoints.ts';

/** As the real main, with the witness task types on top and failpoints that can be armed at any time. */
const config = orEnd('control plane', () => readConfig(processEnvironment()));
takeFailpoints(processEnvironment());
const controlPlane = await startControlPlane(config, { taskTypes: [...taskTypes, ...Object.values(witnessTaskTypes)] });
stopOnSignal({
  stop: () => controlPlane.stop(),
  deadlineMs: 20_000,
  parentWatch: config.parentWatch,
  onLate: () => process.stderr.write('control plane: not stopped in time, ending all the same\n'),
});
