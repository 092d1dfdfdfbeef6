import { describe, expect, it } from 'vitest';
import { readArguments } from './arguments.ts';

const known = ['INDEX_REBUILD', 'CHECKPOINT'];

describe('readArguments', () => {
  it('serves every task type, four at a time, unless told otherwise', () => {
    expect(readArguments([], known)).toEqual({ taskTypes: known, concurrency: 4 });
  });

  it('takes a list of task types, in any case, once each', () => {
    expect(readArguments(['--tasks', 'checkpoint, CHECKPOINT', '--concurrency', '2'], known)).toEqual({
      taskTypes: ['CHECKPOINT'],
      concurrency: 2,
    });
  });

  it.each([
    [['--tasks', 'VACUUM'], /unknown VACUUM; known are INDEX_REBUILD, CHECKPOINT/],
    [['--concurrency', '0'], /1 to 100/],
    [['--concurrency', 'many'], /1 to 100/],
    [['--task', 'CHECKPOINT'], /Unknown option/],
  ])('refuses %j', (args, message) => {
    expect(() => readArguments(args, known)).toThrow(message);
  });
});
