import { createHash } from 'node:crypto';

/** A source of id bytes that gives the same series for the same seed: a tick's job has the same ids whoever makes it. */
export function seededIdBytes(...seed: readonly string[]): () => Uint8Array {
  let count = 0;
  return () => {
    count += 1;
    // JSON keeps ["a","bc"] and ["ab","c"] apart.
    return createHash('sha256')
      .update(JSON.stringify([...seed, count]))
      .digest()
      .subarray(0, 16);
  };
}
