import { httpInstrumentationMiddleware } from '@hono/otel';
import { OpenAPIHono } from '@hono/zod-openapi';
import { AppError } from '@slacktide/application';
import { bodyLimit } from 'hono/body-limit';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { secureHeaders } from 'hono/secure-headers';
import type { ApiDeps } from './deps.ts';
import { mountDocs } from './docs-page.ts';
import { endpoints } from './endpoints.ts';
import { mountOpenApiDocument } from './openapi-document.ts';
import { answerError, answerProblem } from './problems.ts';
import { register } from './register.ts';
import { probeEndpoints } from './routes/probes.ts';

/** Largest body of a request. */
const maxBodyBytes = 64 * 1024;

/** The HTTP API: every endpoint, its OpenAPI document, and the page that shows it. Without the API only probes and metrics. */
export function createApp(
  deps: ApiDeps,
  version: string,
  options: { readonly withApi: boolean } = { withApi: true },
): OpenAPIHono {
  const app = new OpenAPIHono();
  app.onError((error, c) => answerError(error, c, deps.logger));
  app.notFound((c) => answerProblem(c, new AppError('not_found', `There is no ${c.req.path}`)));
  useGuards(app);
  for (const endpoint of options.withApi ? endpoints : probeEndpoints) register(app, deps, endpoint);
  if (!options.withApi) return app;
  mountOpenApiDocument(app, version);
  mountDocs(app);
  return app;
}

/** What holds for every request: traced, without anything from elsewhere, of a bounded size, by a method that is there. */
function useGuards(app: OpenAPIHono): void {
  app.use('/api/*', httpInstrumentationMiddleware());
  // A page that shows something sets a policy of its own, which stays.
  app.use(
    secureHeaders({
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      xFrameOptions: 'DENY',
      overwrite: false,
    }),
  );
  app.use('/api/*', async (c, next) => {
    await next();
    c.header('cache-control', 'no-store');
  });
  const tooLarge = new AppError('payload_too_large', 'A body may have 64 KiB at most');
  app.use(bodyLimit({ maxSize: maxBodyBytes, onError: (c) => answerProblem(c, tooLarge) }));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(', ');
        return answerProblem(c, new AppError('method_not_allowed', `Expected one of ${allow}`), { allow });
      },
    }),
  );
}
