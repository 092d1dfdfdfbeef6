import { createServer } from 'node:net';

/** Ours until released, or until this process ends. */
export interface PortReservation {
  port: number;
  release: () => void;
}

/**
 * Keeps other launchers on this machine from choosing a port while our app, which will listen on it, is not yet up: two
 * starts at the same moment would both find the default port free. Undefined when another launcher has it. It is a name
 * in Linux's abstract socket space, which ends with the process; elsewhere nothing is reserved.
 */
export function reservePort(port: number): Promise<PortReservation | undefined> {
  if (process.platform !== 'linux') return Promise.resolve({ port, release: () => undefined });
  return new Promise((resolve) => {
    const server = createServer();
    server.unref();
    server.once('error', () => resolve(undefined));
    server.listen(`\0slacktide-port-${port}`, () => resolve({ port, release: () => server.close() }));
  });
}
