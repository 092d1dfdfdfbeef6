import type { LedgerPool } from './sql.ts';

export interface Subscriber {
  /** A notification came. */
  onNotice(payload: string): void;
  /** Listening began: at first, and again after every lost connection; what was sent in between has to be looked up. */
  onListening?(): void;
}

/**
 * Listens on a channel over the one connection that all channels of a pool use, which reconnects by itself. Resolves once
 * listening, with the unsubscriber. Rejects when the ledger is away.
 */
export async function subscribe(
  pool: LedgerPool,
  channel: string,
  { onNotice, onListening }: Subscriber,
): Promise<() => Promise<void>> {
  // postgres.js forgets after a reconnection which listener to remove, so the ended ones are silenced here.
  let isEnded = false;
  const end = (): void => {
    isEnded = true;
  };
  try {
    const { unlisten } = await pool.listen(
      channel,
      (payload) => {
        if (!isEnded) onNotice(payload);
      },
      () => {
        if (!isEnded) onListening?.();
      },
    );
    return async () => {
      end();
      // Without a connection there is nothing to unlisten.
      await unlisten().catch(() => undefined);
    };
  } catch (error) {
    end();
    throw error;
  }
}
