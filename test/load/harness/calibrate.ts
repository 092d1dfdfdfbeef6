import { createHash } from 'node:crypto';

const rounds = 2_000;
const block = Buffer.alloc(16 * 1024, 7);

/** Milliseconds that a fixed piece of work takes now: 32 MB of SHA-256, about 20 ms on one idle core of the year 2024. */
export function calibrate(): number {
  const started = performance.now();
  const hash = createHash('sha256');
  for (let round = 0; round < rounds; round += 1) hash.update(block);
  hash.digest();
  return performance.now() - started;
}
