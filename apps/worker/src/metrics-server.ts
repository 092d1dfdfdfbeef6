import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from '@slacktide/telemetry';

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** `/metrics` for Prometheus, `/livez` (the loop turns) and `/readyz` (takes work) for Kubernetes. */
export async function startMetricsServer(options: {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  /** Why no work is taken; undefined = ready. */
  readonly notReady: () => string | undefined;
}): Promise<MetricsServer> {
  const { metrics, notReady } = options;
  const server: Server = createServer((request, response) => {
    const answer = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type }).end(body);
    };
    if (request.url === '/livez') return answer(200, 'ok\n');
    if (request.url === '/readyz') {
      const why = notReady();
      return why === undefined ? answer(200, 'ok\n') : answer(503, `not taking work: ${why}\n`);
    }
    if (request.url !== '/metrics') return answer(404, 'not found\n');
    metrics.registry.metrics().then(
      (text) => answer(200, text, metrics.registry.contentType),
      () => answer(500, 'metrics failed\n'),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
