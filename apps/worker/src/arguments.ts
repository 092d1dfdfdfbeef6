import { parseArgs } from 'node:util';

export interface WorkerArguments {
  readonly taskTypes: readonly string[];
  readonly concurrency: number;
}

export const usage = `usage: worker [--tasks TYPE[,TYPE…]] [--concurrency N]
  --tasks        task types to serve; all by default
  --concurrency  tasks at a time over all types, 1 to 100; 4 by default`;

/** Reads the command line. @throws Error naming the argument and what was expected. */
export function readArguments(args: readonly string[], known: readonly string[]): WorkerArguments {
  const { values } = parseArgs({
    args: [...args],
    options: { tasks: { type: 'string' }, concurrency: { type: 'string' } },
    strict: true,
  });
  const taskTypes =
    values.tasks === undefined ? known : values.tasks.split(',').map((type) => type.trim().toUpperCase());
  const unknown = taskTypes.filter((type) => !known.includes(type));
  if (unknown.length > 0) throw new Error(`--tasks: unknown ${unknown.join(', ')}; known are ${known.join(', ')}`);
  const concurrency = Number(values.concurrency ?? 4);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 100) {
    throw new Error(`--concurrency: a whole number from 1 to 100 was expected, got ${values.concurrency}`);
  }
  return { taskTypes: [...new Set(taskTypes)], concurrency };
}
