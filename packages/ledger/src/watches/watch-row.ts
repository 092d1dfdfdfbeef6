import type { Watch } from '@slacktide/application/ports';
import type { watches } from '../schema/watches.ts';

/** A row of `watches` as a query returns it: the column of the table has a name of its own, for `table` is a word of SQL. */
export type WatchRow = Omit<typeof watches.$inferSelect, 'table'> & { readonly tableName: string };

export function toWatch(row: WatchRow): Watch {
  const { minCalls, maxSlowerPercent, rollBackWhenWorse, tableName } = row;
  const { id, targetId, jobId, taskId, rollbackPointId, object, baseline, lookEverySeconds, lastsSeconds } = row;
  const { state, startedAt, until, evidence, lookJobId, rollbackJobId } = row;
  return {
    ...{ id, targetId, jobId, taskId, rollbackPointId, object, table: tableName, baseline },
    rule: { minCalls, maxSlowerPercent, rollBackWhenWorse },
    ...{ lookEverySeconds, lastsSeconds, state, startedAt, until, evidence, lookJobId, rollbackJobId },
  };
}
