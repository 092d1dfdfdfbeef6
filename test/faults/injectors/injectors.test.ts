import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { freezeProcess } from './frozen-process.ts';
import { whyNot } from './host-tools.ts';
import { movedClock } from './moved-clock.ts';
import { openTcpLink } from './tcp-link.ts';

/** A Node process that runs `script`; what it prints arrives in `printed`. */
function startScript(script: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['-e', script], { env: { ...process.env, ...env } });
  const output = { text: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    output.text += chunk.toString();
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return { pid: child.pid ?? 0, exited, printed: () => output.text };
}

it.for([7_200, -7_200])('moves the calendar of a process by %i s and leaves its timers alone', async (seconds, ctx) => {
  const problem = whyNot('faketime');
  if (problem !== undefined) return ctx.skip(problem);
  const script = `const begun = performance.now(); const at = Date.now();
    setTimeout(() => console.log(JSON.stringify({ at, tookMs: performance.now() - begun })), 50)`;
  const before = Date.now();
  const { exited, printed } = startScript(script, movedClock(seconds));
  await exited;
  const { at, tookMs } = JSON.parse(printed()) as { at: number; tookMs: number };
  expect(at - seconds * 1000).toBeGreaterThanOrEqual(before - 1);
  expect(at - seconds * 1000).toBeLessThanOrEqual(Date.now() + 1);
  expect(tookMs).toBeGreaterThanOrEqual(49);
  expect(tookMs).toBeLessThan(7_000_000);
});

it('a frozen process does nothing until it is thawed', async () => {
  const { pid, printed } = startScript(`setInterval(() => console.log('tick'), 5)`);
  await vi.waitFor(() => expect(printed()).toContain('tick'), { timeout: 20_000 });
  const frozen = await freezeProcess(pid);
  // What was in the pipe may still arrive; then nothing more.
  let seen = '';
  await vi.waitFor(
    () => {
      const changed = printed() !== seen;
      seen = printed();
      expect(changed).toBe(false);
    },
    { interval: 100 },
  );
  frozen.thaw();
  await vi.waitFor(() => expect(printed().length).toBeGreaterThan(seen.length), { timeout: 20_000 });
});

it('a link delays in order, loses one direction, and resets', async () => {
  const heard: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      heard.push(chunk.toString());
      socket.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const link = await openTcpLink((server.address() as { port: number }).port);
  onTestFinished(() => link.close());
  const client = connect(link.port, '127.0.0.1');
  let answered = '';
  client.on('data', (chunk) => {
    answered += chunk.toString();
  });
  const closed = new Promise<string>((resolve) => client.once('error', (error) => resolve(error.message)));

  link.set({ delayMs: 60 });
  const begun = performance.now();
  client.write('slow');
  // Sent apart, so that they are two chunks: the second must not overtake the first.
  await new Promise((resolve) => setTimeout(resolve, 20));
  link.set({});
  client.write('er');
  await vi.waitFor(() => expect(answered).toBe('slower'), { timeout: 20_000 });
  expect(performance.now() - begun).toBeGreaterThanOrEqual(59);

  link.set({ lost: 'answers' });
  client.write('unheard');
  await vi.waitFor(() => expect(heard.join('')).toContain('unheard'), { timeout: 20_000 });
  expect(answered).not.toContain('unheard');
  link.reset();
  expect(await closed).toContain('ECONNRESET');
});
