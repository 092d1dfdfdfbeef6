/** A worker that begins to compress a file and comes no further: argv holds the folder and the file. Prints the token of its remnant, then `copying`. */
import type { StepRun, TargetSession } from '@slacktide/application/ports';
import { noContext, noUpkeep } from '../../../test/support/no-context.ts';
import { logRotation } from '../src/log-rotation/index.ts';
import type { LogRotationConfig } from '../src/log-rotation/schema.ts';

const [, , root = '', name = ''] = process.argv;
const query = async (sql: string) =>
  sql.includes('mayRotate')
    ? [{ isCollected: false, mayRotate: false, rotateGrant: '', mayKnow: true, currentGrant: '' }]
    : [];
const session = { serverVersion: 180000, query } as unknown as TargetSession;
const config = logRotation.taskType.config.parse({ rules: [{ root, action: 'compress' }], min_free_mb: 0 });
const context = { ...noContext, fileRoots: [root] };
const facts = await logRotation.readFacts(session, config, context);
if (facts.kind === 'refused') throw new Error(JSON.stringify(facts.problems));
const step = logRotation.plan(facts.facts, config).steps.find(({ key }) => key === `${root}/${name}`);
if (step === undefined) throw new Error(`expected a step for ${name}`);
const run: Partial<StepRun<LogRotationConfig>> = {
  ...context,
  upkeep: noUpkeep,
  session,
  observer: session,
  config,
  signal: new AbortController().signal,
  remnant: async ({ proof }) => {
    process.stdout.write(`${proof['token']}\n`);
    return async () => undefined;
  },
  progress: () => {
    process.stdout.write('copying\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
};
await logRotation.runStep(step, run as StepRun<LogRotationConfig>);
