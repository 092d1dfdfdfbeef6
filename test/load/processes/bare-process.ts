import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Queue, Worker } from 'bullmq';
import { Hono } from 'hono';
import { Redis } from 'ioredis';
import postgres from 'postgres';

// The reference for cold start and idle memory: HTTP, PostgreSQL and a queue, and nothing done with them.
// usage: bare-process.ts   (DATABASE_URL, REDIS_URL, PORT)

const sql = postgres(process.env['DATABASE_URL'] ?? '', { max: 10 });
const connection = new Redis(process.env['REDIS_URL'] ?? '', { maxRetriesPerRequest: null });
const queue = new Queue('bare', { connection });
const worker = new Worker('bare', () => Promise.resolve(), { connection, drainDelay: 60 });
const app = new Hono();
app.get('/readyz', async (c) => {
  await sql`SELECT 1`;
  await queue.getWaitingCount();
  return c.json({ ready: true });
});
const server = createServer(getRequestListener(app.fetch));
server.listen(Number(process.env['PORT']), '127.0.0.1', () => (server.address() as AddressInfo).port);
const end = (): void => {
  void worker.close(true).finally(() => process.exit(0));
};
process.on('SIGTERM', end);
process.on('disconnect', end);
