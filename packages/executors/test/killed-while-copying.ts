import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('./compress-and-block.ts', import.meta.url));

/** Has another process compress a file and kills it amid that; resolves with the token of what it left. */
export async function killedWhileCopying(folder: string, name: string): Promise<{ readonly token: string }> {
  const worker = spawn(process.execPath, [script, folder, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(worker, 'exit');
  const told: string[] = [];
  for await (const line of createInterface({ input: worker.stdout })) {
    told.push(line);
    if (line === 'copying') break;
  }
  worker.kill('SIGKILL');
  await ended;
  const [token] = told;
  if (token === undefined || told.length !== 2) throw new Error(`expected a token and to be copying, got: ${told}`);
  return { token };
}
