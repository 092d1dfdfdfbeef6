import { nextFirings } from '@slacktide/domain';
import type { Reconciliation, TickWatch } from '../ports/index.ts';
import type { Probe, ProbeAnswer } from './health.ts';

/** Schedules looked at in one run. Working out the two firings of a new one takes some ten thousandths of a second; nobody must wait long for us. */
const pageSize = 250;
/** Named in the message. */
const namedAtMost = 5;

interface Alarm {
  /** What it was worked out from. */
  readonly of: string;
  /** When two firings have gone by; null = there are not that many to come. */
  readonly atMs: number | null;
}

/**
 * The dead man's switch: an enabled schedule has let two firings go by without a tick. It asks the cron expression, not the due time in the ledger: so it
 * also sees a schedule whose due time was lost or is wrong. A schedule gets `graceMs` on top (default a minute), within which it is merely late.
 */
export function deadManProbe(
  reconciliation: Pick<Reconciliation, 'listTickWatches'>,
  now: () => Promise<Date>,
  graceMs = 60_000,
): Probe {
  let after: string | null = null;
  // Of the last round and of this one: a schedule that is gone is forgotten with the round after.
  let [last, current] = [new Map<string, Alarm>(), new Map<string, Alarm>()];
  let [silentBefore, silent] = [new Map<string, TickWatch>(), new Map<string, TickWatch>()];

  return async () => {
    const nowMs = (await now()).getTime();
    const page: readonly TickWatch[] = await reconciliation.listTickWatches({ after, limit: pageSize });
    for (const watch of page) {
      const alarm = alarmOf(watch, last.get(watch.id));
      current.set(watch.id, alarm);
      silentBefore.delete(watch.id);
      if (alarm.atMs !== null && alarm.atMs + graceMs < nowMs) silent.set(watch.id, watch);
    }
    if (page.length === pageSize) {
      after = page.at(-1)?.id ?? null;
      return answerOf([...silentBefore.values(), ...silent.values()]);
    }
    // Once round: what was not met is enabled no more.
    const found = [...silent.values()];
    [after, last, current] = [null, current, new Map()];
    [silentBefore, silent] = [silent, new Map()];
    return answerOf(found);
  };
}

function alarmOf({ cronExpression, timezone, since }: TickWatch, known: Alarm | undefined): Alarm {
  const of = `${cronExpression} ${timezone} ${since.toISOString()}`;
  if (known?.of === of) return known;
  return { of, atMs: nextFirings(cronExpression, timezone, since, 2)[1]?.getTime() ?? null };
}

function answerOf(silent: readonly TickWatch[]): ProbeAnswer {
  if (silent.length === 0) return { status: 'HEALTHY', message: 'no schedule has let two firings go by' };
  const named = silent.slice(0, namedAtMost).map(({ id, since }) => `${id} (since ${since.toISOString()})`);
  const more = silent.length > namedAtMost ? ` and ${silent.length - namedAtMost} more` : '';
  const message = `${silent.length} without a tick for twice their period: ${named.join(', ')}${more}`;
  return { status: 'UNHEALTHY', message };
}
