import { AppError } from './app-error.ts';

/** What a request names must exist. @throws AppError `not_found` */
export function found<T>(
  value: T | undefined,
  what: 'schedule' | 'target' | 'job' | 'task' | 'finding' | 'custom template' | 'backup',
  id: string,
): T {
  if (value === undefined) throw new AppError('not_found', `There is no ${what} ${id}`);
  return value;
}

/** A change is made to the version its author saw; null = to whichever there is. @throws AppError `precondition_failed` */
export function sameVersion(actual: number, expected: number | null): void {
  if (expected !== null && actual !== expected) {
    throw new AppError('precondition_failed', `Expected version ${expected}, but it is at ${actual}: read it again`);
  }
}
