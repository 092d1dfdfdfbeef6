import { AppError } from '@slacktide/application';
import { fieldProblems } from '@slacktide/contract';
import type { Context } from 'hono';
import { z } from 'zod';
import { presentedKey } from './credentials.ts';
import type { ApiDeps } from './deps.ts';
import type { Call, Endpoint } from './endpoint.ts';
import { identify } from './identify.ts';
import { readBody } from './read-body.ts';
import { readJson } from './read-json.ts';
import { expectedVersion, idempotencyClaim } from './request-headers.ts';
import { traceOf } from './trace-of.ts';

const nothing = z.strictObject({});

/** Makes a call of a request: who asks, and what, in this order. @throws AppError for everything a caller can get wrong */
export async function readCall(
  c: Context,
  deps: ApiDeps,
  endpoint: Endpoint,
): Promise<Call<unknown, unknown, unknown>> {
  const actor = await identify(deps, presentedKey(c), endpoint.permission);
  const url = new URL(c.req.url);
  const params = readParams(c, endpoint);
  const query = check(endpoint.query ?? nothing, queryOf(url), '?');
  const bodyText = await readBody(c, endpoint);
  const body = check(endpoint.body ?? nothing, bodyText === '' && !endpoint.body ? {} : readJson(bodyText), '');
  const idempotency = endpoint.idempotent
    ? idempotencyClaim(c.req.header('idempotency-key'), {
        principal: actor.id,
        route: `${endpoint.method} ${endpoint.path}`,
        url: url.pathname + url.search,
        body: bodyText,
      })
    : undefined;
  return {
    deps,
    ctx: { actor, ...traceOf(c), ...(idempotency && { idempotency }) },
    params,
    query,
    body,
    expectedVersion: endpoint.ifMatch ? expectedVersion(c.req.header('if-match')) : null,
  };
}

/** A path with an id that nothing can have leads nowhere. */
function readParams(c: Context, { params }: Endpoint): unknown {
  const parsed = params?.safeParse(c.req.param());
  if (parsed?.success === false) throw new AppError('not_found', 'There is nothing with such an id');
  return parsed?.data;
}

/** A name that comes once stands for its value, one that comes again for a list. */
function queryOf({ searchParams }: URL): Record<string, string | string[]> {
  const names = new Set(searchParams.keys());
  return Object.fromEntries(
    [...names].map((name) => {
      const [first = '', ...rest] = searchParams.getAll(name);
      return [name, rest.length === 0 ? first : [first, ...rest]];
    }),
  );
}

function check(schema: z.ZodType, value: unknown, prefix: '' | '?'): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = fieldProblems(parsed.error, prefix);
  const [first] = problems;
  const detail = first === undefined ? 'The request is not valid' : `${first.pointer || 'The body'}: ${first.detail}`;
  throw new AppError('invalid_request', detail, { problems });
}
