import { freePort } from '@slacktide/local';

export { freePort };

/** Starts a server on a free port, on another one when somebody else was quicker to take it. */
export async function onFreePort<Server>(start: (port: number) => Promise<Server>): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      const isTaken = error instanceof Error && /address already in use|EADDRINUSE/i.test(error.message);
      if (!isTaken || attempt === 3) throw error;
    }
  }
}
