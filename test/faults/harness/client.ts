import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Answer {
  /** 0 = no answer: refused, reset, or none in time. */
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
  readonly durationMs: number;
}

/** How long one request may take before it counts as not answered. */
const requestLimitMs = 30_000;
/** Patience of `accept`, over all its tries. */
const acceptLimitMs = 60_000;

/** A caller of the REST API as a careful client is one: every write carries an Idempotency-Key and is repeated until it is answered. */
export class Client {
  /** How often each status came, over all requests. */
  readonly statuses = new Map<number, number>();
  /** Answers that no secret may be in: the oracle looks through all of them. */
  readonly texts: string[] = [];
  readonly #urls: readonly string[];
  readonly #key: string;
  #turn = 0;

  constructor(urls: readonly string[], key: string) {
    this.#urls = urls;
    this.#key = key;
  }

  /** One try, at one control plane (`at`, by default each in turn). Never rejects for want of an answer: that is status 0. */
  async request(
    method: string,
    path: string,
    { body, headers = {}, at = this.#turn++ }: { body?: unknown; headers?: Record<string, string>; at?: number } = {},
  ): Promise<Answer> {
    const base = this.#urls[at % this.#urls.length];
    const begunAtMs = performance.now();
    const answer = await fetch(
      `${base}${path.startsWith('/api') || path.endsWith('z') ? '' : '/api/v1/maintenance'}${path}`,
      {
        method,
        signal: AbortSignal.timeout(requestLimitMs),
        headers: {
          authorization: `Bearer ${this.#key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
    )
      .then(async (response) => ({ status: response.status, text: await response.text() }))
      .catch(() => ({ status: 0, text: '' }));
    this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1);
    this.texts.push(answer.text);
    return { ...answer, body: parsed(answer.text), durationMs: performance.now() - begunAtMs };
  }

  /**
   * Repeats a write under one Idempotency-Key until it is accepted. @throws Error for a refusal (4xx), for a 500, which says
   * nothing about what became of the request, and when nobody answers for a minute.
   */
  async accept<T>(
    method: string,
    path: string,
    { body, key = randomUUID() }: { body?: unknown; key?: string } = {},
  ): Promise<T> {
    const deadline = performance.now() + acceptLimitMs;
    for (;;) {
      const answer = await this.request(method, path, { body, headers: { 'idempotency-key': key } });
      if (answer.status >= 200 && answer.status < 300) return answer.body as T;
      const mayTryAgain = [0, 429, 502, 503, 504].includes(answer.status) || isUnderWay(answer);
      if (!mayTryAgain || performance.now() > deadline) {
        throw new Error(`${method} ${path}: expected it accepted, got ${answer.status}: ${answer.text}`);
      }
      await sleep(100);
    }
  }

  async get<T>(path: string): Promise<T> {
    const deadline = performance.now() + acceptLimitMs;
    for (;;) {
      const answer = await this.request('GET', path);
      if (answer.status === 200) return answer.body as T;
      if (![0, 503].includes(answer.status) || performance.now() > deadline) {
        throw new Error(`GET ${path}: expected 200, got ${answer.status}: ${answer.text}`);
      }
      await sleep(100);
    }
  }
}

/** The first try under this key is still being answered. */
function isUnderWay({ status, body }: Answer): boolean {
  return (
    status === 409 && typeof body === 'object' && body !== null && 'code' in body && body.code === 'request_in_flight'
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
