import type { Finding as FindingView, MuteInput } from '@slacktide/contract';
import { invalid } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { setMute } from './set-mute.ts';

/**
 * Silences a finding: it is still watched, but raises no alert. Muting again replaces reason and end.
 * @throws AppError `not_found` | `invalid_request` when `until` is past
 */
export async function muteFinding(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  input: MuteInput & { readonly id: string },
): Promise<FindingView> {
  const { id, reason } = input;
  const until = input.until === null ? null : new Date(input.until);
  const muteAt = (now: Date) => {
    if (until !== null && until <= now) throw invalid('/until', 'past', `Expected a moment after ${now.toISOString()}`);
    return { reason, until, by: ctx.actor.name, at: now };
  };
  return await setMute(deps, ctx, { id, action: 'finding.mute', reason, muteAt });
}
