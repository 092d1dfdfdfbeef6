import { TargetError, type TargetReader } from '@slacktide/application/ports';

/** A number of rows; `unknown` = it could not be counted within the time, or may not be read; null = it was not asked for. */
export type Count = number | 'unknown' | null;

const longestCountMs = 5_000;
/** For all counts of a plan: a preview must not be work of its own. */
const longestCountingMs = 60_000;

/** Counts rows for the preview, each within five seconds, all within a minute. */
export interface Counter {
  /** `sql` returns one row with `rows`. */
  count(sql: string, parameters: readonly unknown[]): Promise<number | 'unknown'>;
}

export function createCounter(reader: TargetReader): Counter {
  let leftMs = longestCountingMs;
  return {
    async count(sql, parameters) {
      if (leftMs <= 0) return 'unknown';
      const startedAtMs = performance.now();
      const [before] = await reader.query<{ limit: string }>(
        `SELECT current_setting('statement_timeout') AS "limit", set_config('statement_timeout', $1, false)`,
        [`${Math.ceil(Math.min(longestCountMs, leftMs))}ms`],
      );
      try {
        const [row] = await reader.query<{ rows: number }>(sql, parameters);
        return row?.rows ?? 'unknown';
      } catch (error) {
        if (!(error instanceof TargetError) || !refusals.includes(error.code)) throw error;
        return 'unknown';
      } finally {
        leftMs -= performance.now() - startedAtMs;
        // A lost session says so at the next statement.
        await reader
          .query(`SELECT set_config('statement_timeout', $1, false)`, [before?.limit ?? '30s'])
          .catch(() => undefined);
      }
    },
  };
}

const refusals: readonly TargetError['code'][] = ['statement_timeout', 'insufficient_privilege', 'lock_timeout'];

export function isUnknown(count: Count): count is 'unknown' {
  return count === 'unknown';
}
