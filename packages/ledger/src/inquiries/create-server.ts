import type { Answer, Inquiries } from '@slacktide/application/ports';
import type { LedgerPool } from '../sql.ts';
import { subscribe } from '../subscribe.ts';
import { askedChannel, endInquiry, type TakenInquiry, takeInquiries } from './inquiry-rows.ts';

export interface ServerOptions {
  /** Questions answered at once by one worker. Default 4: a look at a target is short, and work on targets comes first. */
  readonly maxInHand?: number;
  /** How often open questions are looked for besides notifications. Default 3000. */
  readonly pollMs?: number;
  /** Told of answers that were not found or could not be written; the asker is told by its timeout. */
  readonly onError?: (error: unknown) => void;
}

/** The answering side: takes open questions when notified, after every answer, and every `pollMs`. */
export function createServer(sql: LedgerPool, options: ServerOptions = {}): Inquiries['serve'] {
  const { maxInHand = 4, pollMs = 3_000, onError = () => undefined } = options;

  return async (workerId, answer) => {
    const inHand = new Set<Promise<void>>();
    let isStopping = false;
    let isWoken = false;
    let isTaking = false;
    let taking: Promise<void> = Promise.resolve();

    const takeAll = async (): Promise<void> => {
      isTaking = true;
      try {
        while (isWoken && !isStopping && inHand.size < maxInHand) {
          isWoken = false;
          for (const inquiry of await takeInquiries(sql, workerId, maxInHand - inHand.size)) takeInHand(inquiry);
        }
      } catch (error) {
        onError(error);
      } finally {
        isTaking = false;
      }
    };
    const wake = (): void => {
      isWoken = true;
      if (!isTaking) taking = takeAll();
    };
    const takeInHand = (inquiry: TakenInquiry): void => {
      const work = answerOne(inquiry)
        .catch(onError)
        .finally(() => {
          inHand.delete(work);
          wake();
        });
      inHand.add(work);
    };
    const answerOne = async ({ id, question }: TakenInquiry): Promise<void> => {
      let given: Answer | null = null;
      try {
        given = await answer(question);
      } finally {
        await endInquiry(sql, id, workerId, given);
      }
    };

    const unsubscribe = await subscribe(sql, askedChannel, { onNotice: wake, onListening: wake });
    const timer = setInterval(wake, pollMs);
    return async () => {
      isStopping = true;
      clearInterval(timer);
      await unsubscribe();
      await taking;
      await Promise.all(inHand);
    };
  };
}
