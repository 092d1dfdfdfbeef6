import { readWatchBaseline, type WatchBaseline } from '@slacktide/acting';
import type { FactsResult, LookContext, TargetReader, Watch } from '@slacktide/application/ports';
import type { IndexWatchConfig } from './schema.ts';

export interface WatchFacts {
  readonly watch: Watch;
  readonly baseline: WatchBaseline;
}

/** Reads the watch from the ledger; the target is looked at by the step. */
export async function readWatchFacts(
  _reader: TargetReader,
  { watch_id }: IndexWatchConfig,
  { memory }: LookContext,
): Promise<FactsResult<WatchFacts>> {
  const watch = await memory.watch(watch_id);
  if (watch === undefined)
    return refused('unknown_watch', `There is no watch ${JSON.stringify(watch_id)} on the target`);
  const baseline = readWatchBaseline(watch.baseline);
  if (baseline === undefined) return refused('unknown_baseline', `Watch ${watch_id} is none of a dropped index`);
  return { kind: 'facts', facts: { watch, baseline } };
}

function refused(code: string, detail: string): FactsResult<WatchFacts> {
  return { kind: 'refused', problems: [{ pointer: '/watch_id', code, detail }] };
}
