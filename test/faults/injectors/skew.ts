import type { Keeper } from '../harness/keeper.ts';
import { until } from '../harness/until.ts';
import { movedClock } from './moved-clock.ts';

/**
 * Restarts a process with its clock moved by `seconds`, for this one life: its next one has the machine's clock again.
 * Resolves once it serves requests, ready for work or not.
 */
export async function startSkewed(keeper: Keeper, seconds: number): Promise<void> {
  await keeper.kill({ andStay: 'dead' });
  keeper.start(movedClock(seconds));
  const livez = keeper.readyUrl?.replace(/\/readyz$/, '/livez') ?? '';
  await until(`${keeper.name}, its clock moved by ${seconds} s, to live`, async () => {
    return (await fetch(livez, { signal: AbortSignal.timeout(2_000) })).status === 200;
  });
}
