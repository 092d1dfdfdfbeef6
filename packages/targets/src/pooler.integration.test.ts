import type { TargetAddress } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { type PgbouncerOptions, pgbouncerPath, startPgbouncer } from '../../../test/support/pgbouncer.ts';
import { freshTarget } from '../../../test/support/target.ts';
import { createPostgresGateway } from './postgres-gateway.ts';

/** A target behind a real PgBouncer. */
async function setup(options: Omit<PgbouncerOptions, 'url'>) {
  const target = await freshTarget(18);
  const { port } = await startPgbouncer({ ...options, url: target.url });
  const { host } = new URL(target.url);
  const address: TargetAddress = {
    ...target.address,
    connection: target.address.connection.replace(host, `127.0.0.1:${port}`),
  };
  return { address, gateway: createPostgresGateway({ env: target.env }) };
}

const acting = { applicationName: 'slacktide/test/1', statementTimeoutMs: 1_000, signal: new AbortController().signal };

// Skipped where there is no PgBouncer to ask: the stand-in of session-loss.integration.test.ts is asked everywhere.
describe.skipIf(pgbouncerPath === undefined)('a target behind PgBouncer', () => {
  it.each<Omit<PgbouncerOptions, 'url'>>([
    { mode: 'transaction' },
    { mode: 'transaction', dropsSettings: true },
    { mode: 'statement', dropsSettings: true },
    { mode: 'session', dropsSettings: true },
  ])('is refused in %o, and the message says what to do', async (options) => {
    const { address, gateway } = await setup(options);
    const refusal = { code: 'pooled', message: expect.stringMatching(/pooler.*give the server's own address/) };
    await expect(gateway.inspect(address)).rejects.toMatchObject(refusal);
    await expect(gateway.act(address, acting, async () => expect.unreachable('it began'))).rejects.toMatchObject(
      refusal,
    );
  });
});
