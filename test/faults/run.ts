import { parseArgs } from 'node:util';
import type { Scale } from './harness/fault-case.ts';
import { caseNames, loadCase, runCase } from './harness/run-case.ts';
import { stopServers } from './harness/servers.ts';

const usage = `usage: run.ts [CASE …] [--seed N] [--scale smoke|full]
  runs fault cases (all by default), each with the same seed; without --seed one is drawn and printed
  cases: ${caseNames().join(', ')}`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    scale: { type: 'string', default: 'smoke' },
    help: { type: 'boolean', default: false },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
if (values.help || !['smoke', 'full'].includes(values.scale) || !Number.isSafeInteger(seed)) {
  say(usage);
  process.exit(values.help ? 0 : 2);
}

let failures = 0;
for (const wanted of positionals.length > 0 ? positionals : caseNames()) {
  const { name, faultCase } = await loadCase(wanted);
  const why = await faultCase.cannotRun?.();
  if (why !== undefined) {
    say(`${name} SKIPPED: ${why}`);
    continue;
  }
  try {
    await runCase(name, faultCase, { seed, scale: values.scale as Scale, say });
    say(`${name} passed`);
  } catch (error) {
    failures += 1;
    say(`${name} FAILED\n${error instanceof Error ? error.stack : error}`);
    for (let cause = (error as Error).cause; cause instanceof Error; cause = cause.cause)
      say(`caused by ${cause.stack}`);
  }
}
await stopServers();
process.exit(failures > 0 ? 1 : 0);
