import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TargetError } from '@slacktide/application/ports';
import { describe, expect, it, onTestFinished } from 'vitest';
import { resolveSecret, type SecretSources } from './secrets.ts';

function setup() {
  const dir = mkdtempSync(join(tmpdir(), 'slacktide-secrets-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const write = (name: string, content: string | Buffer): string => {
    writeFileSync(join(dir, name), content);
    return `file:${join(dir, name)}`;
  };
  return { dir, write };
}

/** The message of the refusal; fails when the secret was given out. */
async function refusal(reference: string, sources: SecretSources = { env: {} }): Promise<string> {
  const error = await resolveSecret(reference, sources).then(
    () => expect.unreachable('the secret was given out'),
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(TargetError);
  expect(error).toMatchObject({ code: 'secret_unavailable' });
  const { message } = error as TargetError;
  expect(message).toContain(JSON.stringify(reference));
  return message;
}

describe('resolveSecret env:', () => {
  it('reads the variable at the moment of use', async () => {
    const env: Record<string, string> = { SHOP: 'one' };
    expect(await resolveSecret('env:SHOP', { env })).toBe('one');
    env['SHOP'] = 'two ';
    expect(await resolveSecret('env:SHOP', { env })).toBe('two ');
  });

  it.each(['DATABASE_URL', 'REDIS_URL'])('refuses the application’s own %s, without its value', async (name) => {
    expect(await refusal(`env:${name}`, { env: { [name]: 'postgres://u:hunter2@h/db' } })).not.toContain('hunter2');
  });

  it('refuses variables that are unset, empty or inherited', async () => {
    expect(await refusal('env:NONE')).toContain('not set');
    expect(await refusal('env:EMPTY', { env: { EMPTY: '' } })).toContain('empty');
    expect(await refusal('env:constructor')).toContain('not set');
  });
});

describe('resolveSecret file:', () => {
  it('reads a small file and takes one newline off its end', async () => {
    const { write } = setup();
    expect(await resolveSecret(write('unix', 'pa ss\n'), { env: {} })).toBe('pa ss');
    expect(await resolveSecret(write('windows', 'pass\r\n'), { env: {} })).toBe('pass');
    expect(await resolveSecret(write('two', 'pass\n\n'), { env: {} })).toBe('pass\n');
    expect(await resolveSecret(write('bare', 'päss'), { env: {} })).toBe('päss');
    expect(await resolveSecret(write('full', 'x'.repeat(4096)), { env: {} })).toHaveLength(4096);
  });

  it('refuses what is too large, empty, missing, relative or not a regular file', async () => {
    const { dir, write } = setup();
    expect(await refusal(write('large', 'x'.repeat(4097)))).toContain('4096');
    expect(await refusal(write('newline', '\n'))).toContain('empty');
    expect(await refusal(`file:${dir}/none`)).toContain('ENOENT');
    expect(await refusal('file:relative/path')).toContain('absolute');
    expect(await refusal(`file:${dir}/a\0b`)).toContain('absolute');
    expect(await refusal(`file:${dir}`)).toContain('not a regular file');
    expect(await refusal('file:/proc/self/environ')).toContain('empty');
  });

  it('does not wait for a pipe', async () => {
    const { dir } = setup();
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    expect(await refusal(`file:${dir}/pipe`)).toContain('not a regular file');
  });

  it('stays inside the allowed directories, symbolic links followed', async () => {
    const { dir, write } = setup();
    const outside = write('outside', 'no');
    mkdirSync(join(dir, 'allowed', 'data'), { recursive: true });
    mkdirSync(join(dir, 'allowed-not'));
    writeFileSync(join(dir, 'allowed', 'data', 'inside'), 'yes');
    writeFileSync(join(dir, 'allowed-not', 'sibling'), 'no');
    symlinkSync(join(dir, 'allowed', 'data'), join(dir, 'allowed', 'current'));
    symlinkSync(join(dir, 'outside'), join(dir, 'allowed', 'leak'));
    symlinkSync(join(dir, 'allowed'), join(dir, 'root'));
    const sources = { env: {}, roots: [join(dir, 'missing'), join(dir, 'root')] };
    expect(await resolveSecret(`file:${dir}/allowed/current/inside`, sources)).toBe('yes');
    for (const reference of [
      outside,
      `file:${dir}/allowed/leak`,
      `file:${dir}/allowed/../outside`,
      `file:${dir}/allowed-not/sibling`,
    ]) {
      expect(await refusal(reference, sources)).toContain('outside');
    }
    expect(await refusal(outside, { env: {}, roots: [] })).toContain('outside');
  });
});

it.each(['', 'env:', 'vault:x', 'hunter2', 'ENV:X'])('refuses %j, which is no reference', async (reference) => {
  expect(await refusal(reference)).toContain('neither');
});
