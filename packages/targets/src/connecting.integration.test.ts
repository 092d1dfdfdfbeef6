import type { TargetAddress } from '@slacktide/application/ports';
import { describe, expect, inject, it } from 'vitest';
import { freePort } from '../../../test/support/free-port.ts';
import { startStandby } from '../../../test/support/standby.ts';
import { freshTarget } from '../../../test/support/target.ts';
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts';
import { createPostgresGateway } from './postgres-gateway.ts';

const password = 'wrong-but-secret';

/** Why an address cannot be inspected; the message names what to look at and never the password. */
async function failure(address: TargetAddress, env: Record<string, string> = { P: password }) {
  const gateway = createPostgresGateway({ env, connectTimeoutMs: 1_000 });
  const error = await gateway.inspect(address).then(
    () => expect.unreachable('it connected'),
    (cause: unknown) => cause as { code: string; message: string },
  );
  expect(error.message).not.toContain(password);
  expect(error.message).not.toContain('://');
  return error;
}

const at = (connection: string, secretRef: string | null = 'env:P'): TargetAddress => ({
  kind: 'postgres',
  connection,
  secretRef,
});

describe('an address that cannot be used', () => {
  it('is unreachable when nobody listens, nobody answers, or the name is unknown', async () => {
    const port = await freePort();
    expect(await failure(at(`postgresql://u@127.0.0.1:${port}/d`))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('refused'),
    });
    const mute = await startTcpProxy(port);
    mute.freeze();
    expect(await failure(at(`postgresql://u@127.0.0.1:${mute.port}/d`))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('in time'),
    });
    expect((await failure(at('postgresql://u@no-such-host.invalid/d'))).code).toBe('unreachable');
  });

  it('says what is wrong with the credentials', async () => {
    const { address, env, role } = await freshTarget(18);
    expect(await failure({ ...address, secretRef: 'env:P' })).toMatchObject({
      code: 'authentication_failed',
      message: expect.stringContaining(role),
    });
    expect(await failure({ ...address, secretRef: null })).toMatchObject({
      code: 'authentication_failed',
      message: expect.stringContaining('secret_ref'),
    });
    expect(await failure(address, {})).toMatchObject({ code: 'secret_unavailable' });
    const elsewhere = address.connection.replace(/[^/]+$/, 'no_such_database');
    expect(await failure({ ...address, connection: elsewhere }, { ...env })).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('no_such_database'),
    });
  });

  it('takes no password from the worker’s own PG* variables', async () => {
    const { address, env } = await freshTarget(18);
    process.env['PGPASSWORD'] = env['TARGET_PASSWORD'];
    try {
      expect((await failure({ ...address, secretRef: null })).code).toBe('authentication_failed');
    } finally {
      delete process.env['PGPASSWORD'];
    }
  });

  it('does not fall back to plain text when TLS was asked for', async () => {
    const { address, env } = await freshTarget(18);
    const connection = `${address.connection}?sslmode=require`;
    expect(await failure({ ...address, connection }, { ...env })).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('TLS'),
    });
  });

  it('may be a standby for reading, never for acting', async () => {
    const { url } = await startStandby(18);
    const address = at(url.replace(':postgres@', '@'));
    const gateway = createPostgresGateway({ env: { P: 'postgres' } });
    expect(await gateway.inspect(address)).toMatchObject({ inRecovery: true });
    const { signal } = new AbortController();
    const options = { applicationName: 'slacktide/test/1', statementTimeoutMs: 1_000, signal };
    await expect(gateway.act(address, options, async () => expect.unreachable('it began'))).rejects.toMatchObject({
      code: 'in_recovery',
    });
  });

  it('tells a full server from one that is away', async () => {
    const { address, env, admin, role } = await freshTarget(18, inject('targetUrls')[18]);
    await admin.query(`ALTER ROLE ${role} CONNECTION LIMIT 1`);
    expect(await failure(address, { ...env })).toMatchObject({ code: 'unreachable', sqlState: '53300' });
  });
});
