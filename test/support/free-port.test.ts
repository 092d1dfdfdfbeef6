import { createServer, type Server } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { freePort, onFreePort } from './free-port.ts';

function listen(port: number): Promise<Server> {
  const server = createServer();
  onTestFinished(() => void server.close());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

it('tries another port when somebody was quicker to take the first one', async () => {
  const taken = await freePort();
  await listen(taken);
  const tried: number[] = [];
  const server = await onFreePort((port) => {
    tried.push(tried.length === 0 ? taken : port);
    return listen(tried.at(-1) as number);
  });
  expect(tried).toHaveLength(2);
  expect(server.address()).toMatchObject({ port: tried[1] });
});

it('hands on any other failure at once', async () => {
  let attempts = 0;
  const start = (): Promise<never> => {
    attempts += 1;
    return Promise.reject(new Error('disk full'));
  };
  await expect(onFreePort(start)).rejects.toThrow('disk full');
  expect(attempts).toBe(1);
});
