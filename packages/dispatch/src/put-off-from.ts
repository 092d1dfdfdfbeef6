import { longestClockSkewMs } from '@slacktide/domain';

/**
 * The time from which a delivery is put off: the ledger's, for one that is off by hours would put it off by hours for everybody. BullMQ delivers by
 * the clock of whoever looks. So where ours is ahead by no more than is let pass, it is ours: else we would be given the delivery back at once, until
 * the ledger has caught up. One that is further ahead takes nothing. All in milliseconds since 1970.
 */
export function putOffFromMs(ledgerMs: number, ownMs: number): number {
  return ownMs - ledgerMs <= longestClockSkewMs ? Math.max(ledgerMs, ownMs) : ledgerMs;
}
