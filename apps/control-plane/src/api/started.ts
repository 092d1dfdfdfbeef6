/** The same chunks, the first of them read already: what keeps them from being read at all is told before the answer begins. */
export async function started<T>(chunks: AsyncGenerator<T, void>): Promise<AsyncGenerator<T, void>> {
  const first = await chunks.next();
  return (async function* () {
    try {
      if (first.done) return;
      yield first.value;
      yield* chunks;
    } finally {
      await chunks.return();
    }
  })();
}
