import { randomBytes } from 'node:crypto';
import { type Loop, lookAfterWatches, startLoop, taskTypeCatalog } from '@slacktide/application';
import type { Ledger, TaskType } from '@slacktide/application/ports';
import { currentTrace, type Logger } from '@slacktide/telemetry';

/** Watches whose jobs are made in one transaction. */
const batchSize = 50;
/** How late a look may be, about; the shortest time between two looks is a minute. */
const everyMs = 5_000;

/** Has dropped indexes looked after, in every process that runs it: of any number, each takes what the others leave. */
export function startWatchLoop({
  ledger,
  taskTypes,
  logger,
}: {
  readonly ledger: Ledger;
  readonly taskTypes: readonly TaskType[];
  readonly logger: Logger;
}): Loop {
  const deps = { ledger, taskTypes: taskTypeCatalog(taskTypes), randomBytes };
  const loop = startLoop({
    everyMs,
    run: async () => {
      const { looks, rollbacks, hasMore } = await lookAfterWatches(deps, currentTrace(), batchSize);
      if (rollbacks > 0) logger.warn({ rollbacks }, 'statements got worse: dropped indexes are made again');
      if (looks > 0) logger.debug({ looks }, 'looks at watches begun');
      if (hasMore) loop.wake();
    },
    onError: (err) => logger.warn({ err, loop: 'watch' }, 'watches could not be looked after; it will be tried again'),
  });
  return loop;
}
