import type { NextFirings } from '@slacktide/contract';
import { nextFirings as firingsOf, isWithinWindow, offsetMinutes } from '@slacktide/domain';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';

/**
 * The next `count` due times of a schedule from now on, whether it is enabled or not, each in its own zone as well, and
 * whether the window will be open. @throws AppError `not_found`
 */
export async function nextFirings(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  input: { readonly id: string; readonly count: number },
): Promise<NextFirings> {
  const schedule = found(await deps.ledger.schedules.get(input.id), 'schedule', input.id);
  const { cronExpression, timezone, window } = schedule;
  const firings = firingsOf(cronExpression, timezone, await deps.ledger.now(), input.count);
  return {
    schedule_id: schedule.id,
    timezone,
    items: firings.map((at) => ({
      due_at: at.toISOString(),
      local: localTime(at, timezone),
      within_window: isWithinWindow(window, at),
    })),
  };
}

/** ISO 8601 with the zone's offset at that moment, e.g. `2026-11-23T02:00:00+01:00`. */
export function localTime(at: Date, timezone: string): string {
  const offset = offsetMinutes(timezone, at);
  const local = new Date(at.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const pair = (value: number) => String(value).padStart(2, '0');
  const distance = Math.abs(offset);
  return `${local}${offset < 0 ? '-' : '+'}${pair(Math.floor(distance / 60))}:${pair(distance % 60)}`;
}
