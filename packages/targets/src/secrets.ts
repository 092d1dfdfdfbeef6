import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { isAbsolute, sep } from 'node:path';
import { TargetError } from '@slacktide/application/ports';

export interface SecretSources {
  /** Where `env:NAME` looks. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Directories `file:/path` may lead into, symbolic links followed; undefined = anywhere. */
  readonly roots?: readonly string[];
}

/** A password is short; a longer file is not one. */
const largestFileBytes = 4096;
/** The application's own secrets are no target's. */
const ownVariables = new Set(['DATABASE_URL', 'MIGRATE_DATABASE_URL', 'REDIS_URL']);

/**
 * Turns `env:NAME` or `file:/path` into the secret, at the moment of use; nothing is kept. One newline at the end of a
 * file is not part of the secret.
 * @throws TargetError `secret_unavailable`, naming the reference, never the value.
 */
export async function resolveSecret(reference: string, sources: SecretSources): Promise<string> {
  const [, scheme, rest] = /^(env|file):(.+)$/s.exec(reference) ?? [];
  if (scheme === undefined || rest === undefined) throw unavailable(reference, 'it is neither env:NAME nor file:/path');
  const secret = scheme === 'env' ? fromEnv(reference, rest, sources.env) : await fromFile(reference, rest, sources);
  if (secret === '') throw unavailable(reference, 'it is empty');
  return secret;
}

function fromEnv(reference: string, name: string, env: SecretSources['env']): string {
  if (ownVariables.has(name)) throw unavailable(reference, 'this variable belongs to the application itself');
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value === undefined) throw unavailable(reference, 'the variable is not set');
  return value;
}

async function fromFile(reference: string, path: string, { roots }: SecretSources): Promise<string> {
  if (!isAbsolute(path) || path.includes('\0')) throw unavailable(reference, 'the path must be absolute');
  try {
    const real = await realpath(path);
    if (roots !== undefined && !(await isInside(real, roots))) {
      throw unavailable(reference, 'the file is outside the directories that secrets may come from');
    }
    return await readSmallFile(reference, real);
  } catch (error) {
    if (error instanceof TargetError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw unavailable(reference, `the file cannot be read (${code ?? 'unknown error'})`);
  }
}

async function isInside(real: string, roots: readonly string[]): Promise<boolean> {
  for (const root of roots) {
    const realRoot = await realpath(root).catch(() => undefined);
    if (realRoot !== undefined && real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) return true;
  }
  return false;
}

async function readSmallFile(reference: string, real: string): Promise<string> {
  // Opened without waiting (a FIFO would) and without following what may have been put there since realpath.
  const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const status = await file.stat();
    if (!status.isFile()) throw unavailable(reference, 'it is not a regular file');
    // Files of /proc say 0 and hold whole environments.
    if (status.size === 0) throw unavailable(reference, 'it is empty');
    if (status.size > largestFileBytes) throw unavailable(reference, `it has more than ${largestFileBytes} bytes`);
    return (await file.readFile('utf8')).replace(/\r?\n$/, '');
  } finally {
    await file.close();
  }
}

function unavailable(reference: string, why: string): TargetError {
  return new TargetError('secret_unavailable', `The secret ${JSON.stringify(reference)} is unavailable: ${why}.`);
}
