import { type CheckedAnswer, checkAnswer } from './check-answer.ts';
import { publishedBy } from './published.ts';

export interface CallOptions {
  /** An API key; null = none. Default: the admin's. */
  readonly key?: string | null;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly ifMatch?: string;
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `POST /schedules`: a path that begins below the API's root, or a whole one such as `/livez`. */
export type Caller = (request: string, options?: CallOptions) => Promise<CheckedAnswer>;

interface App {
  request(path: string, init?: RequestInit): Response | Promise<Response>;
}

/** Paths outside /api/v1/maintenance. */
const rootPaths = /^\/(api|livez|readyz|metrics|openapi\.json|docs|queues)(\/|\?|$)/;

export function createCaller(app: App, adminKey: string): Caller {
  const published = publishedBy(app);
  return async (request, options = {}) => {
    const [method = '', path = ''] = request.split(/ (.*)/s);
    const { key = adminKey, json, body = json === undefined ? undefined : JSON.stringify(json) } = options;
    const headers = {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.ifMatch === undefined ? {} : { 'if-match': options.ifMatch }),
      ...(options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey }),
      ...options.headers,
    };
    const whole = rootPaths.test(path) ? path : `/api/v1/maintenance${path}`;
    const response = await app.request(whole, { method, headers, ...(body === undefined ? {} : { body }) });
    return await checkAnswer(method, whole, response, published);
  };
}
