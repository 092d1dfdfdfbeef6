import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FaultCase, Scale, Trial } from './fault-case.ts';
import { seededRandom } from './random.ts';

const folder = fileURLToPath(new URL('../cases/', import.meta.url));

/** Names of all cases: a file of `cases/` each. */
export function caseNames(): readonly string[] {
  return readdirSync(folder)
    .filter((file) => /^[a-z0-9-]+\.ts$/.test(file))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
}

/** Loads a case by its name, or by the beginning of it (`f03`). @throws Error when there is none, or more than one. */
export async function loadCase(name: string): Promise<{ readonly name: string; readonly faultCase: FaultCase }> {
  const found = caseNames().filter((each) => each === name || each.startsWith(`${name}-`));
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(`expected the name of one case, got: ${name}; there are ${caseNames().join(', ')}`);
  }
  const module: { faultCase?: FaultCase } = await import(`../cases/${only}.ts`);
  if (module.faultCase === undefined) throw new Error(`cases/${only}.ts exports no faultCase`);
  return { name: only, faultCase: module.faultCase };
}

/** The command that does the same again. */
export function replayCommand(name: string, seed: number, scale: Scale): string {
  return `pnpm test:faults ${name} --seed ${seed}${scale === 'full' ? ' --scale full' : ''}`;
}

/** Runs a case once. @throws what the case throws, with the command that replays it. */
export async function runCase(
  name: string,
  faultCase: FaultCase,
  { seed, scale, say }: { readonly seed: number; readonly scale: Scale; readonly say: (line: string) => void },
): Promise<void> {
  const figures: string[] = [];
  const startedAtMs = performance.now();
  const trial: Trial = {
    name,
    seed,
    scale,
    random: seededRandom(seed),
    log: (line) => say(`${name} +${((performance.now() - startedAtMs) / 1000).toFixed(1)} s  ${line}`),
    report: (figure, value) => void figures.push(`${figure}: ${value}`),
  };
  say(`${name} seed ${seed}: ${replayCommand(name, seed, scale)}`);
  try {
    await faultCase.run(trial);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${why}\nreplay: ${replayCommand(name, seed, scale)}`, { cause: error });
  } finally {
    for (const figure of figures) trial.log(figure);
  }
}
