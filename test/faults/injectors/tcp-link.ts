import { connect, createServer, type Socket } from 'node:net';

/** What a link does to the bytes that pass. */
export interface LinkFault {
  /** Each chunk arrives that much later, each way. Default 0. */
  readonly delayMs?: number;
  /** Bytes of this direction vanish; connections stay open. */
  readonly lost?: 'requests' | 'answers' | 'both';
}

/** A wire to a server on 127.0.0.1 whose faults need no rights on the machine. */
export interface TcpLink {
  readonly port: number;
  /** Replaces the fault there is; `{}` heals, though what vanished stays lost, so healed connections may be out of step. */
  set(fault: LinkFault): void;
  /** Breaks every connection without a goodbye (RST); new ones pass. */
  reset(): void;
  close(): Promise<void>;
}

/** Opens a link on a free port of 127.0.0.1 that leads to `port`. */
export async function openTcpLink(port: number): Promise<TcpLink> {
  const sockets = new Set<Socket>();
  let fault: LinkFault = {};
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  };
  const pipe = (from: Socket, to: Socket, direction: 'requests' | 'answers'): void => {
    // One line of arrival for each direction: a later chunk never overtakes.
    let line: Promise<void> = Promise.resolve();
    const after = (act: () => void): void => {
      const arrivesAt = performance.now() + (fault.delayMs ?? 0);
      line = line.then(() => waitUntil(arrivesAt)).then(act);
    };
    const passes = (): boolean => fault.lost !== 'both' && fault.lost !== direction;
    from.on('data', (chunk) => passes() && after(() => void (to.destroyed || to.write(chunk))));
    from.on('end', () => passes() && after(() => void to.end()));
    from.on('close', () => passes() && after(() => void to.destroy()));
  };
  const server = createServer((client) => {
    const upstream = keep(connect(port, '127.0.0.1'));
    pipe(keep(client), upstream, 'requests');
    pipe(upstream, client, 'answers');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as { port: number }).port,
    set(next) {
      fault = next;
    },
    reset() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

function waitUntil(at: number): Promise<void> {
  const leftMs = at - performance.now();
  return leftMs <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, leftMs));
}
