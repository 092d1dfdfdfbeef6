import { calibrate } from './calibrate.ts';
import { type Spread, spread } from './statistics.ts';

/** What each leg measured in each round, round by round, and what the CPU was worth meanwhile. */
export interface Rounds<Leg extends string> {
  readonly values: Readonly<Record<Leg, readonly number[]>>;
  /** Milliseconds of a fixed piece of work before each round: a machine that is busy with something else shows here. */
  readonly calibrationMs: readonly number[];
}

/**
 * Measures the legs by turns, every other round backwards (R P P R …), so that a machine that grows slower or faster
 * does so for all. The first `warmUps` rounds (default 1) do not count.
 */
export async function interleave<Leg extends string>(options: {
  readonly rounds: number;
  readonly warmUps?: number;
  readonly legs: Readonly<Record<Leg, () => Promise<number>>>;
}): Promise<Rounds<Leg>> {
  const { rounds, warmUps = 1, legs } = options;
  const names = Object.keys(legs) as Leg[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Leg, number[]>;
  const calibrationMs: number[] = [];
  for (let round = -warmUps; round < rounds; round += 1) {
    if (round >= 0) calibrationMs.push(calibrate());
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const value = await legs[name]();
      if (round >= 0) values[name].push(value);
    }
  }
  return { values, calibrationMs };
}

/** The ratios of two legs, pair by pair: neighbours in time are compared, not averages. */
export function ratio<Leg extends string>({ values }: Rounds<Leg>, of: Leg, to: Leg): Spread {
  return spread(values[of].map((value, round) => value / (values[to][round] as number)));
}
