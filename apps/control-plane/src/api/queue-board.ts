import { setTimeout } from 'node:timers/promises';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serveStatic } from '@hono/node-server/serve-static';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { AppError } from '@slacktide/application';
import { presentedPageKey } from './credentials.ts';
import type { ApiDeps } from './deps.ts';
import { identify } from './identify.ts';
import { answerProblem } from './problems.ts';

type BoardQueue = ConstructorParameters<typeof BullMQAdapter>[0];

const base = '/queues';

/** Its own files only: the page would else load fonts from elsewhere. Styles of its loading screen are inline. */
const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/** What makes a browser ask for name and password. */
const challenge = { 'www-authenticate': 'Basic realm="slacktide: any name, an API key as password", charset="UTF-8"' };

/**
 * Bull Board at `/queues`, to look at and nothing more: admins only, adapters read-only, and every method but GET refused
 * here. Even a forced change there would have no effect on a target: the ledger decides. `limitMs` bounds the wait for Redis.
 */
export function mountQueueBoard(
  app: OpenAPIHono,
  deps: Pick<ApiDeps, 'apiKeys' | 'now'>,
  queues: readonly BoardQueue[],
  options: { readonly limitMs: number } = { limitMs: 5_000 },
): void {
  const board = new HonoAdapter(serveStatic);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
    serverAdapter: board,
    options: { uiConfig: { boardTitle: 'Slacktide queues' } },
  });
  board.setBasePath(base);
  // The pattern takes `/queues` itself, too.
  app.use(`${base}/*`, async (c, next) => {
    try {
      await identify(deps, presentedPageKey(c), 'maintenance:admin');
    } catch (error) {
      if (error instanceof AppError && error.code === 'unauthenticated') return answerProblem(c, error, challenge);
      throw error;
    }
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') {
      throw new AppError('forbidden', 'The queues can only be looked at');
    }
    await within(options.limitMs, next());
    if (c.res.status >= 500) throw new AppError('queues_unavailable', 'Redis cannot be read');
    c.header('content-security-policy', policy);
    c.header('cache-control', 'no-store');
  });
  app.get(`${base}/`, (c) => c.redirect(base));
  app.route(base, board.registerPlugin());
}

/** BullMQ waits for Redis for as long as it takes. @throws AppError `queues_unavailable` */
async function within(limitMs: number, work: Promise<void>): Promise<void> {
  const clock = new AbortController();
  const limit = setTimeout(limitMs, undefined, { signal: clock.signal }).then(() => {
    throw new AppError('queues_unavailable', `Redis gave no answer within ${limitMs / 1000} s`);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clock.abort();
  }
}
