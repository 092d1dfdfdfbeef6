import { parseArgs } from 'node:util';
import { seededRandom } from './harness/random.ts';
import { caseNames, loadCase, runCase } from './harness/run-case.ts';
import { stopServers } from './harness/servers.ts';

/** Runs cases in random order with seeds of its own until the time is over; ends at the first failure. */
const { values } = parseArgs({
  options: { seed: { type: 'string' }, minutes: { type: 'string', default: '30' } },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const minutes = Number(values.minutes);
if (!Number.isSafeInteger(seed) || !(minutes > 0)) {
  say('usage: soak.ts [--seed N] [--minutes M]');
  process.exit(2);
}
say(`soak of ${minutes} minutes: pnpm test:soak --seed ${seed} --minutes ${minutes}`);

const random = seededRandom(seed);
const deadline = performance.now() + minutes * 60_000;
let trials = 0;
let exitCode = 0;
while (performance.now() < deadline) {
  const { faultCase, name } = await loadCase(random.pick(caseNames()));
  const trialSeed = random.between(0, 2 ** 31 - 1);
  if ((await faultCase.cannotRun?.()) !== undefined) continue;
  trials += 1;
  try {
    await runCase(name, faultCase, { seed: trialSeed, scale: 'smoke', say });
  } catch (error) {
    say(`${name} FAILED after ${trials} trials\n${error instanceof Error ? error.stack : error}`);
    exitCode = 1;
    break;
  }
}
say(`${trials} trials, ${exitCode === 0 ? 'none failed' : 'the last one failed'}`);
await stopServers();
process.exit(exitCode);
