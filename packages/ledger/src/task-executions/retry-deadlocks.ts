import postgres from 'postgres';

/** Deadlock and serialisation failure: nothing was written, and the same may be tried again. */
const retryable = new Set(['40P01', '40001']);

const maxAttempts = 3;

/**
 * Runs what locks several rows. Everything here takes locks in one order: target, job, lease, task, steps, each leaving out what it
 * does not need; so no two of them can deadlock, but somebody's psql may.
 */
export async function retryDeadlocks<T>(work: () => PromiseLike<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const mayRetry = error instanceof postgres.PostgresError && retryable.has(error.code);
      if (!mayRetry || attempt === maxAttempts) throw error;
    }
  }
}
