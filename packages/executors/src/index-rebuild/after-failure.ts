import { type StepOutcome, type StepRun, TargetError } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { type Ours, readOwnLeftovers, sweepLeftovers } from './leftovers.ts';
import type { IndexRebuildConfig } from './schema.ts';

/**
 * After a failure or a cancel: drops what our statement left on the table, then tells. A clean cancel is thrown on; with
 * something left that could not be dropped, even a cancelled step ends as failed, naming it. A lost session sweeps nothing
 * (the right to act went with it) and says what to look for.
 */
export async function afterFailure(
  error: unknown,
  run: StepRun<IndexRebuildConfig>,
  ours: Ours,
  gate: JsonObject,
  close: Awaited<ReturnType<StepRun<IndexRebuildConfig>['remnant']>>,
): Promise<StepOutcome> {
  if (!(error instanceof TargetError)) throw error;
  if (error.code === 'session_lost') throw await lostAmidWork(error, run, ours);
  const { dropped, left } = await sweepLeftovers(run, ours);
  // What is left stays on record: the next task on the target sweeps it.
  if (left.length === 0) await close(dropped.length === 0 ? 'absent' : 'swept', dropped.join(', ') || error.message);
  if (error.code === 'cancelled' && left.length === 0) throw error;
  const rest =
    left.length === 0 ? '' : ` Left behind: ${left.map(({ index, reason }) => `${index} (${reason})`).join('; ')}`;
  return {
    kind: 'failed',
    error: {
      code: error.code,
      message: `${error.message}${rest}`,
      detail: { sql_state: error.sqlState, dropped, left: left.map(({ index, reason }) => ({ index, reason })), gate },
    },
  };
}

async function lostAmidWork(error: TargetError, run: StepRun<IndexRebuildConfig>, ours: Ours): Promise<TargetError> {
  const leftovers = await readOwnLeftovers(run, ours).catch(() => []);
  const names = leftovers.map(({ quoted }) => quoted).join(', ') || `${ours.indexName}_ccnew or _ccold`;
  const message = `${error.message}. The rebuild may have left an invalid index behind: ${names}`;
  return new TargetError('session_lost', message, { sqlState: error.sqlState, cause: error });
}
