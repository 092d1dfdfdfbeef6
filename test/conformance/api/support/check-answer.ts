import { Problem, problemMediaType } from '@slacktide/contract';
import { expect } from 'vitest';
import { endpoints } from '../../../../apps/control-plane/src/api/endpoints.ts';
import type { Published } from './published.ts';

export interface CheckedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape; their shape is checked here.
  readonly body: any;
}

/** The endpoint that a request reaches. */
export function endpointOf(method: string, path: string) {
  const pathname = path.replace(/\?.*$/s, '');
  return endpoints.find(
    (endpoint) =>
      endpoint.method === method.toLowerCase() &&
      new RegExp(`^${endpoint.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
  );
}

/** Checks what is promised of every answer: its headers, the form of a problem, and that it is as its endpoint declares and the OpenAPI document says. */
export async function checkAnswer(
  method: string,
  path: string,
  response: Response,
  published: Published,
): Promise<CheckedAnswer> {
  const { status, headers } = response;
  const text = await response.text();
  const what = `${method} ${path.slice(0, 200)} → ${status} ${text.slice(0, 500)}`;
  checkHeaders(headers, what);
  expect(text, what).not.toMatch(/\n\s+at .*[:(]|node_modules|node:internal/);
  const mediaType = headers.get('content-type')?.split(';', 1)[0];
  const body = mediaType?.endsWith('json') && mediaType !== 'application/x-ndjson' ? JSON.parse(text) : undefined;
  const endpoint = endpointOf(method, path);
  const isProblem = status >= 400 && endpoint?.answers[status] === undefined;
  expect(mediaType === problemMediaType, what).toBe(isProblem);
  if (isProblem) {
    expect(Problem.safeParse(body).error, what).toBeUndefined();
    expect(body, what).toMatchObject({ status, type: expect.stringMatching(`/${body.code}$`) });
  }
  if (endpoint !== undefined) {
    const declared = endpoint.answers[status];
    if (!isProblem) expect(declared, `${what} is not declared`).toBeDefined();
    expect(declared?.schema?.safeParse(body).error, what).toBeUndefined();
    expect((await published(endpoint, status))?.safeParse(body).error, `${what} is not as published`).toBeUndefined();
    if (status === 204) expect(text, what).toBe('');
  }
  return { status, headers, text, body };
}

function checkHeaders(headers: Headers, what: string): void {
  expect(headers.get('x-content-type-options'), what).toBe('nosniff');
  expect(headers.get('referrer-policy'), what).toBe('no-referrer');
  expect(headers.get('x-frame-options'), what).toBe('DENY');
  expect(headers.get('content-security-policy'), what).toContain("frame-ancestors 'none'");
  expect(headers.get('x-powered-by'), what).toBeNull();
  expect(headers.get('access-control-allow-origin'), what).toBeNull();
}
