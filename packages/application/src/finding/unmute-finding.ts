import type { Finding as FindingView, UnmuteInput } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { setMute } from './set-mute.ts';

/** Ends a finding's mute, if there is one. @throws AppError `not_found` */
export async function unmuteFinding(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  input: UnmuteInput & { readonly id: string },
): Promise<FindingView> {
  return await setMute(deps, ctx, { id: input.id, action: 'finding.unmute', reason: input.reason, muteAt: () => null });
}
