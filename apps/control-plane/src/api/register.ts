import type { OpenAPIHono } from '@hono/zod-openapi';
import { AppError } from '@slacktide/application';
import { scopes } from '@slacktide/application/ports';
import { httpStatus } from '@slacktide/contract';
import type { Context } from 'hono';
import type { ApiDeps } from './deps.ts';
import { describeEndpoint } from './describe-endpoint.ts';
import type { Endpoint } from './endpoint.ts';
import { readCall } from './read-call.ts';
import { respond } from './respond.ts';
import { traceOf } from './trace-of.ts';

/**
 * Puts an endpoint on the app and into the OpenAPI document.
 * @throws Error at boot when it declares no known permission, or its path and method are taken.
 */
export function register(app: OpenAPIHono, deps: ApiDeps, endpoint: Endpoint): void {
  const method = endpoint.method.toUpperCase();
  if (endpoint.permission !== 'public' && !scopes.includes(endpoint.permission)) {
    throw new Error(`${method} ${endpoint.path} declares no known permission`);
  }
  const path = endpoint.path.replaceAll(/\{(\w+)\}/g, ':$1');
  if (app.routes.some((route) => route.path === path && route.method === method)) {
    throw new Error(`${method} ${endpoint.path} is declared twice`);
  }
  describeEndpoint(app, endpoint);
  app.on(method, path, (c) => serve(c, deps, endpoint));
}

async function serve(c: Context, deps: ApiDeps, endpoint: Endpoint): Promise<Response> {
  const started = performance.now();
  let status = 500;
  try {
    const response = respond(c, await endpoint.handle(await readCall(c, deps, endpoint)));
    status = response.status;
    return response;
  } catch (error) {
    if (error instanceof AppError) status = httpStatus[error.code];
    throw error;
  } finally {
    const seconds = (performance.now() - started) / 1000;
    deps.metrics.httpDurationSeconds.observe({ method: endpoint.method, route: endpoint.path, status }, seconds);
    // Every change is told; reading is asked about too often.
    const level = endpoint.method === 'get' ? 'debug' : 'info';
    const fields = {
      method: endpoint.method,
      path: c.req.path,
      status,
      trace_id: traceOf(c).traceId,
      duration_ms: Math.round(seconds * 1000),
    };
    deps.logger[level](fields, 'request');
  }
}
