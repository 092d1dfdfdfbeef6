import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a command of the system to its end and returns what it printed. @throws Error with its stderr when it fails or takes over `limitMs` (default 20 s). */
export async function runCommand(
  command: string,
  args: readonly string[],
  { limitMs = 20_000 }: { limitMs?: number } = {},
): Promise<string> {
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  const { stdout } = await execute(command, args, { timeout: limitMs, env: { ...process.env, PATH: path } });
  return stdout;
}
