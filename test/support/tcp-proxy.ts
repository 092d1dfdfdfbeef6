import { createServer, connect as dial, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A wire that a test can cut. */
export interface TcpProxy {
  readonly port: number;
  /** From now on nothing passes and nobody new gets an answer, but nothing is closed: as when a cable is pulled. */
  freeze(): void;
  /** Breaks the connections there are, without a goodbye (RST); new ones pass. */
  reset(): void;
}

/** Passes connections on 127.0.0.1 on to `port`; `fromServer` may rewrite what the server says. Gone after the test. */
export async function startTcpProxy(
  port: number,
  fromServer: (chunk: Buffer) => Buffer = (chunk) => chunk,
): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let frozen = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    // Either end may be reset by what the test does to the other.
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    if (frozen) return;
    const upstream = keep(dial(port, '127.0.0.1'));
    client.on('data', (chunk) => frozen || upstream.write(chunk));
    upstream.on('data', (chunk) => frozen || client.write(fromServer(chunk)));
    client.on('end', () => frozen || upstream.end());
    upstream.on('end', () => frozen || client.end());
    client.on('close', () => frozen || upstream.destroy());
    upstream.on('close', () => frozen || client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as { port: number }).port,
    freeze: () => {
      frozen = true;
    },
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
  };
}
