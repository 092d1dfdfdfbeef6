/** Nothing was heard in time. */
export class TookTooLong extends Error {
  constructor(what: string, limitMs: number) {
    super(`${what}: no answer within ${limitMs} ms`);
    this.name = 'TookTooLong';
  }
}

/** Settles as `work` does, or rejects with TookTooLong after `limitMs`; what was begun goes on unheard. */
export async function within<T>(limitMs: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TookTooLong(what, limitMs)), limitMs);
  });
  work.catch(() => undefined); // it may still reject after the limit
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
