import { afterAll, it } from 'vitest';
import { caseNames, loadCase, runCase } from './harness/run-case.ts';
import { stopServers } from './harness/servers.ts';

/** The same in every run; `pnpm test:faults` draws others, and `pnpm test:soak` goes on with them. */
const seed = 1;
const defaultLimitMs = 90_000;

afterAll(stopServers);

for (const { name, faultCase } of await Promise.all(caseNames().map(loadCase))) {
  it(`${name}: ${faultCase.promise}`, { timeout: faultCase.smokeLimitMs ?? defaultLimitMs }, async ({ skip }) => {
    const why = await faultCase.cannotRun?.();
    if (why !== undefined) skip(why);
    await runCase(name, faultCase, { seed, scale: 'smoke', say: (line) => process.stdout.write(`${line}\n`) });
  });
}
