import { createServer } from 'node:net';

/** Whether a server could listen on this TCP port of 127.0.0.1 right now. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return listenOnce(port, host).then(
    () => true,
    () => false,
  );
}

/** Below the ports which systems give to outgoing connections (Linux: from 32768): none of those takes one in between. */
const range = { first: 20_000, count: 10_000 };

/**
 * A TCP port of 127.0.0.1 that nobody listens on right now, at random, so that two who ask at once seldom get the same;
 * another process may still take it before the caller does.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = range.first + Math.floor(Math.random() * range.count);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`found no free port from ${range.first} to ${range.first + range.count - 1}`);
}

function listenOnce(port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve()));
  });
}
