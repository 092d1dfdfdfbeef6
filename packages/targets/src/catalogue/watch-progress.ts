import { setTimeout as sleep } from 'node:timers/promises';
import type { StepProgress, TargetReader } from '@slacktide/application/ports';
import { withoutSpans } from '../statement-span.ts';
import { PhaseRate } from './phase-rate.ts';
import { type ProgressReading, readProgress } from './progress.ts';

/** Progress as a step reports it, with the reading it came from. */
export interface ProgressUpdate extends StepProgress {
  readonly reading: ProgressReading;
}

/**
 * Polls the progress of the session `pid` over another session, at once and then every `intervalMs`, and reports each
 * look that found something. Returns the function that stops it: once its promise settles, `onUpdate` is not called
 * again and the observer is free. A poll that fails is passed over: progress is never a reason to fail the work.
 */
export function watchProgress(
  observer: TargetReader,
  pid: number,
  intervalMs: number,
  onUpdate: (update: ProgressUpdate) => void,
): () => Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  const rate = new PhaseRate();
  const poll = async (): Promise<void> => {
    while (!signal.aborted) {
      const reading = await readProgress(observer, pid).catch(() => undefined);
      if (reading !== undefined && !signal.aborted) onUpdate(toUpdate(reading, rate));
      await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
    }
  };
  const polling = withoutSpans(poll);
  return async () => {
    stop.abort();
    await polling;
  };
}

function toUpdate(reading: ProgressReading, rate: PhaseRate): ProgressUpdate {
  const { phase, counter } = reading;
  if (counter === null) {
    rate.reset();
    return { phase, percent: null, etaSeconds: null, reading };
  }
  const key = `${reading.view} ${reading.tableOid} ${reading.indexOid} ${phase}`;
  return {
    phase,
    percent: Math.floor((1000 * counter.done) / counter.total) / 10,
    etaSeconds: rate.add({ key, ...counter, atMs: performance.now() }),
    reading,
  };
}
