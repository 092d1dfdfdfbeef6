import { expect, it } from 'vitest';
import { started } from './started.ts';

/** Counts to `count`, then fails where it is told to; tells whether it was ended. */
function source(count: number, failure?: Error) {
  const state = { read: 0, ended: false };
  async function* chunks(): AsyncGenerator<number, void> {
    try {
      while (state.read < count) {
        state.read += 1;
        yield state.read;
      }
      if (failure !== undefined) throw failure;
    } finally {
      state.ended = true;
    }
  }
  return { state, chunks: chunks() };
}

it.each([0, 1, 3])('gives all of %i chunks, and ends their source', async (count) => {
  const { chunks, state } = source(count);
  expect(await Array.fromAsync(await started(chunks))).toEqual(Array.from({ length: count }, (_, at) => at + 1));
  expect(state.ended).toBe(true);
});

it('has read the first chunk, and no more than that, when it begins', async () => {
  const { chunks, state } = source(3);
  await started(chunks);
  expect(state.read).toBe(1);
});

it('rejects when the first chunk cannot be read', async () => {
  await expect(started(source(0, new Error('away')).chunks)).rejects.toThrow('away');
});

it('ends its source when it is left early, as by a caller who hangs up', async () => {
  const { chunks, state } = source(3);
  const reader = ReadableStream.from(await started(chunks)).getReader();
  await reader.read();
  await reader.cancel();
  expect(state.ended).toBe(true);
});
