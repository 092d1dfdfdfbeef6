import type { OpenAPIHono } from '@hono/zod-openapi';

/** `/openapi.json`: what the endpoints registered so far say of themselves. Made once: a schema that cannot be described fails the start. */
export function mountOpenApiDocument(app: OpenAPIHono, version: string): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key (`slk_…`) as bearer token; the header `X-API-Key` works too.',
  });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Slacktide',
      version,
      description: 'The maintenance fleet for databases.',
      license: { name: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
  });
  app.get('/openapi.json', (c) => c.json(document));
}
