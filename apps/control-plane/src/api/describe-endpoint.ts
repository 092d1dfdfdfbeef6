import type { OpenAPIHono } from '@hono/zod-openapi';
import { Problem, problemMediaType } from '@slacktide/contract';
import { z } from 'zod';
import type { Endpoint } from './endpoint.ts';
import { bodyMediaTypes } from './read-body.ts';

const problems = {
  description: 'What went wrong (RFC 9457)',
  content: { [problemMediaType]: { schema: Problem } },
};

const ifMatch = z.string().meta({ description: 'ETag of the version you have seen; `*` = whichever', example: '"3"' });
const idempotencyKey = z.string().max(255).optional().meta({
  description: 'Repeating the request under the same key within 24 h has no second effect and gives the first answer',
  example: '0b2c6f0e-6a43-4b9a-9d7e-6d2d1f6f9f55',
});

/** Puts an endpoint into the OpenAPI document. */
export function describeEndpoint(app: OpenAPIHono, endpoint: Endpoint): void {
  const { answers, body, method, params, path, permission, query, summary, tag } = endpoint;
  const isPublic = permission === 'public';
  const headers = {
    ...(endpoint.ifMatch && { 'if-match': ifMatch }),
    ...(endpoint.idempotent && { 'idempotency-key': idempotencyKey }),
  };
  app.openAPIRegistry.registerPath({
    method,
    path,
    tags: [tag],
    operationId: operationId(endpoint),
    summary,
    description: isPublic ? 'No API key needed.' : `Needs the scope \`${permission}\`.`,
    security: isPublic ? [] : [{ apiKey: [] }],
    request: {
      ...(params && { params: params as never }),
      ...(query && { query: query as never }),
      ...(Object.keys(headers).length > 0 && { headers: z.object(headers) }),
      ...(body && {
        body: {
          required: true,
          content: Object.fromEntries(bodyMediaTypes(endpoint).map((type) => [type, { schema: body }])),
        },
      }),
    },
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, { description, schema }]) => [
          status,
          { description, ...(schema && { content: { 'application/json': { schema } } }) },
        ]),
      ),
      '4XX': problems,
      '5XX': problems,
    },
  });
}

/** `POST /api/v1/maintenance/schedules/{id}/run` → `postSchedulesRun`: a name for generated clients. */
function operationId({ method, path }: Endpoint): string {
  const words = path
    .replace('/api/v1/maintenance', '')
    .replace('{id}', 'one')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean);
  return method + words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join('');
}
