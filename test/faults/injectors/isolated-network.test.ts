import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { whyNot } from './host-tools.ts';
import { openIsolatedNetwork } from './isolated-network.ts';
import { runCommand } from './run-command.ts';

/** Connects to each port, says its lines, and prints what is answered. */
const talker = `
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
const sockets = process.argv.slice(1).map((port) => connect(Number(port), '127.0.0.1')
  .on('connect', () => console.log(port + ' open')).on('error', (error) => console.log(port + ' ' + error.code))
  .on('data', (data) => console.log(port + ' ' + data)));
createInterface(process.stdin).on('line', (line) => { for (const socket of sockets) socket.write(line); });
`;

/** Answers every chunk with itself and remembers it. */
async function startEcho() {
  const heard: string[] = [];
  const clients = new Set<string | undefined>();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    clients.add(socket.remoteAddress);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      heard.push(chunk.toString());
      socket.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, heard, clients };
}

async function setup() {
  const [near, far] = [await startEcho(), await startEcho()];
  const network = await openIsolatedNetwork([near.port, far.port]);
  onTestFinished(() => network.close());
  const [command = '', ...enter] = network.enter;
  const argv = [...enter, process.execPath, '--input-type=module', '-e', talker, String(near.port), String(far.port)];
  const child: ChildProcess = spawn(command, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.kill('SIGKILL')) await gone;
  });
  let printed = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const says = (text: string): void => void child.stdin?.write(`${text}\n`);
  const hears = (text: string): Promise<void> => vi.waitFor(() => expect(printed).toContain(text), { timeout: 20_000 });
  await hears(`${near.port} open`);
  await hears(`${far.port} open`);
  return { near, far, network, says, hears, printed: () => printed };
}

const problem = whyNot('network namespaces');

it('what is cut off both ways is silent while the rest goes on, and what was said arrives after healing', async (ctx) => {
  if (problem !== undefined) return ctx.skip(problem);
  const { near, far, network, says, hears, printed } = await setup();
  await network.cut([near.port], 'both');
  says('one');
  await hears(`${far.port} one`);
  expect(near.heard).toEqual([]);
  expect(printed()).not.toContain(`${near.port} one`);
  await network.heal();
  await hears(`${near.port} one`);
  expect([...near.clients]).toEqual(['127.0.0.1']);
});

it('half-open: with answers lost the server hears what the client never learns of', async (ctx) => {
  if (problem !== undefined) return ctx.skip(problem);
  const { near, far, network, says, hears, printed } = await setup();
  await network.cut([near.port], 'answers');
  says('two');
  await hears(`${far.port} two`);
  await vi.waitFor(() => expect(near.heard).toEqual(['two']), { timeout: 20_000 });
  expect(printed()).not.toContain(`${near.port} two`);
});

it('half-open: with requests lost the server hears nothing', async (ctx) => {
  if (problem !== undefined) return ctx.skip(problem);
  const { near, far, network, says, hears } = await setup();
  await network.cut([near.port], 'requests');
  says('three');
  await hears(`${far.port} three`);
  expect(near.heard).toEqual([]);
});

it('leaves nothing behind', async (ctx) => {
  if (problem !== undefined) return ctx.skip(problem);
  const network = await openIsolatedNetwork([1, 2]);
  const namespace = network.enter.at(-1) ?? '';
  expect(await runCommand('ip', ['netns', 'list'])).toContain(namespace);
  await network.close();
  expect(await runCommand('ip', ['netns', 'list'])).not.toContain(namespace);
  const rules = await runCommand('iptables', ['-w', '-t', 'nat', '-S']);
  expect(rules).not.toContain(namespace.replace('slacktide-', 'st'));
  expect(rules).not.toContain(network.address);
});

it('leaves nothing behind when the process that opened it is killed', async (ctx) => {
  if (problem !== undefined) return ctx.skip(problem);
  const module = new URL('./isolated-network.ts', import.meta.url).href;
  const script = `const { openIsolatedNetwork } = await import('${module}');
    const network = await openIsolatedNetwork([1]);
    console.log(network.enter.at(-1), network.address);
    setInterval(() => undefined, 1_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [namespace = '', address = ''] = await new Promise<string[]>((resolve) =>
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim().split(' '))),
  );
  expect(await runCommand('ip', ['netns', 'list'])).toContain(namespace);
  child.kill('SIGKILL');
  await vi.waitFor(
    async () => {
      expect(await runCommand('ip', ['netns', 'list'])).not.toContain(namespace);
      expect(await runCommand('iptables', ['-w', '-t', 'nat', '-S'])).not.toContain(address);
    },
    { timeout: 20_000, interval: 50 },
  );
});
