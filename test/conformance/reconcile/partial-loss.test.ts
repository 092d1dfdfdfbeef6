import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { reconcileSetup } from './setup.ts';

const shapes = [
  { a: [] },
  { a: [], b: ['a'], c: ['b'] },
  { a: [], b: [], c: ['a', 'b'], d: ['c'] },
  { a: [], b: ['a'], c: ['a'], d: ['b', 'c'], e: [] },
] as const;

/** Which part of the keys is lost, and after how many tasks have begun. */
const loss = fc.record({ share: fc.constantFrom(0.05, 0.2, 0.5, 1), seed: fc.nat(), afterRuns: fc.nat({ max: 12 }) });

/** Picks about `share` of the keys, the same ones for the same seed. */
function someOf(keys: readonly string[], share: number, seed: number): string[] {
  let state = (seed % 2_147_483_646) | 1;
  const next = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return keys.filter(() => next() < share);
}

it('whatever part of its keys Redis loses, and when: every job ends, every task ran once, and nothing is left behind', {
  timeout: 240_000,
}, async () => {
  const setup = await reconcileSetup();
  const { addJobOf, redis, relay, newReconciler, startWorkers, heal, expectOnce, runs } = setup;
  const reconciler = newReconciler();
  startWorkers(async () => {
    // A turn or two of the loop, so that tasks are in hand when keys go.
    await new Promise((resolve) => setTimeout(resolve, 3));
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...shapes), { minLength: 2, maxLength: 6 }),
      fc.array(loss, { minLength: 1, maxLength: 3 }),
      async (wanted, losses) => {
        runs.clear();
        const jobs = await Promise.all(wanted.map((shape) => addJobOf(shape)));
        const relayed = relay.run();
        for (const { share, seed, afterRuns } of losses) {
          const count = Math.min(afterRuns, jobs.flatMap(({ tasks }) => tasks).length - 1);
          await vi
            .waitFor(() => expect(runs.size).toBeGreaterThanOrEqual(count), { timeout: 2_000 })
            .catch(() => undefined);
          const lost = someOf((await redis.keys('p:*')).toSorted(), share, seed);
          if (lost.length > 0) await redis.del(lost);
        }
        await relayed;
        await heal(jobs, [reconciler]);
        await expectOnce(jobs);
      },
    ),
    { numRuns: 12 },
  );
  expect(setup.faults).toEqual([]);
});
