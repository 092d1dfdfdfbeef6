import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { AppError } from '@slacktide/application';
import type { Inquiries } from '@slacktide/application/ports';
import type { LedgerPool } from '../sql.ts';
import { subscribe } from '../subscribe.ts';
import { answeredChannel, type EndedInquiry, expireInquiry, findEnded, insertInquiry } from './inquiry-rows.ts';

/** The asking side: one listener for all questions of the process. */
export function createAsker(sql: LedgerPool): Inquiries['ask'] {
  const waiting = new Map<string, (ended: EndedInquiry) => void>();
  let listening: Promise<unknown> | undefined;

  /** Hands over what has ended. What cannot be read now is read when the asker's time is up. */
  const look = async (ids: readonly string[]): Promise<void> => {
    if (ids.length === 0) return;
    const ended = await findEnded(sql, ids).catch(() => []);
    for (const inquiry of ended) waiting.get(inquiry.id)?.(inquiry);
  };

  const listen = (): Promise<unknown> =>
    subscribe(sql, answeredChannel, {
      onNotice: (id) => void (waiting.has(id) && look([id])),
      onListening: () => void look([...waiting.keys()]),
    }).catch((error: unknown) => {
      listening = undefined;
      throw error;
    });

  return async (question, timeoutMs) => {
    listening ??= listen();
    await listening;
    const id = randomUUID();
    const answered = new Promise<EndedInquiry>((resolve) => waiting.set(id, resolve));
    const clock = new AbortController();
    try {
      await insertInquiry(sql, id, question, timeoutMs);
      const ended =
        (await Promise.race([answered, setTimeout(timeoutMs, undefined, { signal: clock.signal })])) ??
        (await expireInquiry(sql, id));
      if (ended?.answer) return ended.answer;
      throw new AppError('no_worker', unanswered(ended?.workerId ?? null, timeoutMs));
    } finally {
      clock.abort();
      waiting.delete(id);
    }
  };
}

function unanswered(workerId: string | null, timeoutMs: number): string {
  return workerId === null
    ? `no worker answered within ${timeoutMs / 1000} s; is one running?`
    : `worker ${workerId} took the question and gave no answer`;
}
