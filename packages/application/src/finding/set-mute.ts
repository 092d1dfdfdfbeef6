import type { Finding as FindingView } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { FindingMute, LedgerTransaction, RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { findingView } from '../view/finding-view.ts';

/** Sets or ends a finding's mute, with its audit event. @throws AppError `not_found`, and what `muteAt` throws */
export async function setMute(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  change: {
    readonly id: string;
    readonly action: 'finding.mute' | 'finding.unmute';
    readonly reason: string | undefined;
    readonly muteAt: (now: Date) => FindingMute | null;
  },
): Promise<FindingView> {
  return await deps.ledger.transaction(ctx, async (tx: LedgerTransaction) => {
    const before = found(await tx.findings.getForUpdate(change.id), 'finding', change.id);
    await tx.findings.setMute(before.id, change.muteAt(await tx.now()));
    const result = findingView(found(await tx.findings.get(change.id), 'finding', change.id));
    return {
      result,
      audit: [
        {
          action: change.action,
          entity: 'finding',
          entityId: before.id,
          before: { state: before.state, mute: findingView(before).mute },
          after: { state: result.state, mute: result.mute },
          ...(change.reason === undefined ? {} : { reason: change.reason }),
        },
      ],
    };
  });
}
