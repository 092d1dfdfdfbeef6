import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, isPortFree } from './free-port.ts';
import { controlPlanePort, keptPort } from './ports.ts';

async function occupy(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return server;
}

function portsFile(): string {
  const dir = mkdtempSync(join(tmpdir(), 'slacktide-ports-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return join(dir, 'ports.json');
}

describe('keptPort', () => {
  it('gives a service the port it had before', async () => {
    const file = portsFile();
    const port = await keptPort(file, 'redis');
    expect(await keptPort(file, 'redis')).toBe(port);
  });

  it('never gives two services the same one', async () => {
    const file = portsFile();
    expect(await keptPort(file, 'redis')).not.toBe(await keptPort(file, 'postgres'));
  });

  it('moves on when another process has taken it, and keeps the new one', async () => {
    const file = portsFile();
    const before = await keptPort(file, 'redis');
    await occupy(before);
    const after = await keptPort(file, 'redis');
    expect(after).not.toBe(before);
    expect(await keptPort(file, 'redis')).toBe(after);
  });
});

describe('controlPlanePort', () => {
  const silent = (): void => undefined;

  it('refuses a chosen port that is taken, naming it', async () => {
    const port = await freePort();
    await occupy(port);
    await expect(controlPlanePort(port, silent)).rejects.toThrow(`port ${port} (PORT) is taken`);
  });

  it('takes a chosen port that is free, and any for 0', async () => {
    const port = await freePort();
    const chosen = await controlPlanePort(port, silent);
    expect(chosen.port).toBe(port);
    chosen.release();
    const any = await controlPlanePort(0, silent);
    expect(await isPortFree(any.port)).toBe(true);
    any.release();
  });

  it('gives two launchers that start at the same moment different ports, and says so', async () => {
    const said: string[] = [];
    const both = await Promise.all([1, 2].map(() => controlPlanePort(undefined, (line) => said.push(line))));
    const [lower, higher] = both.map(({ port }) => port).sort();
    for (const { release } of both) release();
    expect(lower).not.toBe(higher);
    expect(said).toContain(`port 7070 is taken by another process, using ${higher}`);
  });
});
