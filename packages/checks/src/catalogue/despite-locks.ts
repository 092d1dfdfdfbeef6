import { TargetError } from '@slacktide/application/ports';

/** Looks at the catalogue before giving up because locks came in between. */
const attempts = 3;

/** Reads again when a lock was taken, or a table dropped, between the look at pg_locks and the read. */
export async function despiteLocks<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      const cameBetween = error instanceof TargetError && (error.code === 'lock_timeout' || error.sqlState === 'XX000');
      if (attempt === attempts || !cameBetween) throw error;
    }
  }
}
