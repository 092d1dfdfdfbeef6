import { setTimeout as sleep } from 'node:timers/promises';

const lookEveryMs = 50;

/**
 * Looks again and again until `look` gives something (not undefined, not false), and returns it. What `look` throws counts
 * as not yet. @throws Error that says what was awaited, and what the last look threw, after `limitMs` (default 60 000).
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { limitMs = 60_000 }: { limitMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain for: ${what}`, { cause: last });
    await sleep(lookEveryMs);
  }
}
