import { randomBytes } from 'node:crypto';
import { type Loop, startFollowUps, startLoop, taskTypeCatalog } from '@slacktide/application';
import type { Ledger, TaskType } from '@slacktide/application/ports';
import { currentTrace, type Logger } from '@slacktide/telemetry';

const everyMs = 2_000;
const batchSize = 20;

/** Makes jobs of what tasks asked for, in every process that runs it: each is made once. */
export function startFollowUpLoop({
  ledger,
  taskTypes,
  logger,
}: {
  readonly ledger: Ledger;
  readonly taskTypes: readonly TaskType[];
  readonly logger: Logger;
}): Loop {
  const deps = { ledger, taskTypes: taskTypeCatalog(taskTypes), randomBytes: (count: number) => randomBytes(count) };
  const loop = startLoop({
    everyMs,
    run: async () => {
      if ((await startFollowUps(deps, currentTrace(), batchSize)) === batchSize) loop.wake();
    },
    onError: (err) => logger.warn({ err, loop: 'follow-ups' }, 'background work failed; it will be tried again'),
  });
  return loop;
}
