import { isUnusual, type Usual } from '@slacktide/domain';

/** A statement as it was executed within the last day. */
export interface SeenStatement {
  readonly id: string;
  readonly windows: readonly { readonly at: Date; readonly calls: number; readonly meanMs: number }[];
  /** Median and median absolute deviation of its time between looks; undefined until seen often enough. */
  readonly usualMs: Usual | undefined;
}

/** What a statement teaches: to avoid it, or to do likewise. */
export interface Pattern {
  readonly id: string;
  readonly kind: 'slow' | 'fast';
  /** Executions that were so. */
  readonly occurrences: number;
  readonly calls: number;
  readonly meanMs: number;
  readonly totalMs: number;
}

/** Names and defaults of the counts are those of the document that the step comes from. */
export const patternLimits = {
  /** Slow is what takes so long on average, or much longer than usual. */
  slowMs: 100,
  /** And fast what takes no longer than this. */
  fastMs: 1,
  slowOccurrences: 3,
  fastOccurrences: 10,
};

/** The statements that were slow at least three times, or fast at least ten times, most time first. */
export function learnPatterns(statements: readonly SeenStatement[], limits = patternLimits): readonly Pattern[] {
  return statements
    .flatMap((statement): Pattern[] => {
      const { id, windows } = statement;
      const calls = sum(windows.map((window) => window.calls));
      const totalMs = sum(windows.map((window) => window.calls * window.meanMs));
      const figures = { id, calls, totalMs, meanMs: calls === 0 ? 0 : totalMs / calls };
      const slow = sum(
        windows.filter((window) => isSlow(statement, window.meanMs, limits)).map((window) => window.calls),
      );
      if (slow >= limits.slowOccurrences) return [{ ...figures, kind: 'slow', occurrences: slow }];
      const fast = sum(windows.filter(({ meanMs }) => meanMs <= limits.fastMs).map((window) => window.calls));
      if (fast >= limits.fastOccurrences) return [{ ...figures, kind: 'fast', occurrences: fast }];
      return [];
    })
    .toSorted((a, b) => b.totalMs - a.totalMs);
}

/** Also by its own measure, when it is not fast all the same. */
export function isSlow(
  { usualMs }: Pick<SeenStatement, 'usualMs'>,
  meanMs: number,
  { slowMs, fastMs } = patternLimits,
): boolean {
  if (meanMs >= slowMs) return true;
  if (usualMs === undefined || meanMs <= fastMs) return false;
  return isUnusual(meanMs, usualMs);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
