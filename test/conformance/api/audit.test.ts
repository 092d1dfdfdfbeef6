import { execFile } from 'node:child_process';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson, sealAudit } from '@slacktide/application';
import { connectLedger } from '@slacktide/ledger';
import { describe, expect, it, onTestFinished } from 'vitest';
import { newSigningKey } from '../../support/audit.ts';
import { tamper } from '../../support/tamper.ts';
import { startApi } from './support/start-api.ts';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));

/** An API with a few events in every stream but `work`, sealed unless told otherwise. */
async function setup({ sealed = true } = {}) {
  const key = newSigningKey();
  const api = await startApi({ worker: null, deps: { auditSigner: key.signer } });
  for (const [module, status] of Object.entries({ one: 'HEALTHY', two: 'DEGRADED' })) {
    await api.call('POST /health/signals', { json: { module, status, message: 'm', ttl_seconds: 60 } });
  }
  const target = { id: 'shop', name: 'Shop', kind: 'postgres', connection: 'postgresql://a@127.0.0.1:1/shop' };
  expect(await api.call('POST /targets?verify=false', { json: target })).toMatchObject({ status: 201 });
  if (sealed) await sealAudit(api.deps, 1_000);
  return { ...api, key };
}

describe('GET /audit/heads', () => {
  it('shows the end of every chain, signed so that anybody can check it', async () => {
    const { call, key } = await setup();
    const { status, body } = await call('GET /audit/heads');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      heads: [
        { stream: 'configuration', seq: 1 },
        { stream: 'access', seq: 3 },
        { stream: 'work', seq: 0, hash: '0'.repeat(64), sealed_at: null },
        { stream: 'health', seq: 2 },
      ],
      unsealed: 0,
      public_key: key.signer.publicKey,
    });
    const { signature, ...unsigned } = body;
    const publicKey = createPublicKey({ key: Buffer.from(body.public_key, 'base64'), format: 'der', type: 'spki' });
    const isSigned = (document: typeof unsigned) =>
      verify(null, Buffer.from(canonicalJson(document)), publicKey, Buffer.from(signature, 'base64'));
    expect(isSigned(unsigned)).toBe(true);
    expect(isSigned({ ...unsigned, unsealed: 1 })).toBe(false);
  });

  it('counts what is not sealed yet', async () => {
    const { call } = await setup({ sealed: false });
    expect(await call('GET /audit/heads')).toMatchObject({ body: { unsealed: 6 } });
  });

  it('is unsigned where there is no key, and says so', async () => {
    const { call } = await startApi({ worker: null });
    expect(await call('GET /audit/heads')).toMatchObject({ body: { public_key: null, signature: null } });
  });
});

describe('GET /audit/export', () => {
  it('gives every link with its event, from which the chain can be computed again with nothing but SHA-256', async () => {
    const { call } = await setup();
    const { status, headers, text } = await call('GET /audit/export');
    expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    const links = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(links.map(({ stream, seq, event }) => `${stream} ${seq} ${event.action}`)).toEqual([
      'configuration 1 target.create',
      'access 1 api_key.create',
      'access 2 api_key.create',
      'access 3 api_key.create',
      'health 1 signal.change',
      'health 2 signal.change',
    ]);
    const ends = new Map<string, string>();
    for (const { hash, ...link } of links) {
      const previous = ends.get(link.stream) ?? '0'.repeat(64);
      expect(hash).toBe(
        createHash('sha256')
          .update(previous + canonicalJson(link))
          .digest('hex'),
      );
      ends.set(link.stream, hash);
    }
    const heads: { stream: string; hash: string }[] = (await call('GET /audit/heads')).body.heads;
    for (const [stream, hash] of ends) expect(heads.find((head) => head.stream === stream)?.hash).toBe(hash);
  });

  it('goes on where one left off, in one stream', async () => {
    const { call } = await setup();
    const { text } = await call('GET /audit/export?stream=access&after_seq=2');
    expect(text.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(text)).toMatchObject({ stream: 'access', seq: 3 });
    expect(await call('GET /audit/export?stream=work')).toMatchObject({ status: 200, text: '' });
    expect(await call('GET /audit/export?stream=other')).toMatchObject({ status: 422 });
    expect(await call('GET /audit/export?after_seq=-1')).toMatchObject({ status: 422 });
  });

  it('shows what is gone as gone', async () => {
    const { call, sql } = await setup();
    await tamper(sql, (tx) => tx`DELETE FROM audit_events WHERE entity = 'target'`);
    expect(JSON.parse((await call('GET /audit/export?stream=configuration')).text)).toMatchObject({
      seq: 1,
      event: null,
    });
  });

  it('is refused as a whole, not broken off, when the ledger is away', async () => {
    const gone = connectLedger({
      databaseUrl: 'postgresql://a@127.0.0.1:1/none',
      applicationName: 'test',
      maxConnections: 1,
    });
    onTestFinished(gone.close);
    const { call } = await startApi({ worker: null, deps: { auditChain: gone.auditChain } });
    expect(await call('GET /audit/export')).toMatchObject({ status: 503, body: { code: 'ledger_unavailable' } });
  });
});

describe('POST /audit/verify', () => {
  it('finds the log as it was sealed, and against exported heads what was cut off', async () => {
    const { call, sql } = await setup();
    const heads = (await call('GET /audit/heads')).body;
    expect(await call('POST /audit/verify', { json: {} })).toMatchObject({
      status: 200,
      body: { intact: true, heads: null },
    });
    expect(await call('POST /audit/verify', { json: { heads } })).toMatchObject({
      status: 200,
      body: { intact: true, heads: { signature: 'valid', trusted: true } },
    });
    await tamper(sql, async (tx) => {
      await tx`DELETE FROM audit_events WHERE entity = 'target'`;
      await tx`DELETE FROM audit_seals WHERE stream = 'configuration'`;
    });
    expect(await call('POST /audit/verify', { json: {} })).toMatchObject({ body: { intact: true } });
    expect(await call('POST /audit/verify', { json: { heads } })).toMatchObject({
      status: 200,
      body: {
        intact: false,
        streams: [
          { stream: 'configuration', seq: 0, first_bad: { kind: 'cut', seq: 1, event_id: null } },
          { stream: 'access', seq: 3, first_bad: null },
          { first_bad: null },
          { first_bad: null },
        ],
      },
    });
  });

  it('takes no heads that are none', async () => {
    const { call } = await setup();
    expect(await call('POST /audit/verify', { json: { heads: { heads: [] } } })).toMatchObject({ status: 422 });
    expect(await call('POST /audit/verify', { json: { head: null } })).toMatchObject({ status: 422 });
  });
});

it.each(['GET /audit/heads', 'GET /audit/export', 'POST /audit/verify'])(
  '%s is for administrators',
  async (request) => {
    const { call, keys } = await setup();
    const json = request.startsWith('POST') ? { json: {} } : {};
    for (const key of [keys.read, keys.write])
      expect(await call(request, { key, ...json })).toMatchObject({ status: 403 });
  },
);

describe('the command verify-audit', () => {
  async function run(databaseUrl: string, args: readonly string[], env: Record<string, string> = {}) {
    return await new Promise<{ code: number; output: string }>((resolve) => {
      execFile(
        process.execPath,
        ['--import', './infra/bootstrap/drizzle-imports.mjs', 'apps/control-plane/src/verify-audit.ts', ...args],
        { cwd: checkout, env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl, ...env } },
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
      );
    });
  }

  it('ends with 0 for a log as it was sealed, with 1 for any other, and with 2 when it is called wrongly', async () => {
    const { call, databaseUrl, sql, key } = await setup();
    const folder = mkdtempSync(join(tmpdir(), 'slacktide-audit-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = (name: string, content: string) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const heads = file('heads.json', (await call('GET /audit/heads')).text);
    const pem = file('key.pem', key.pem);

    expect(await run(databaseUrl, [])).toEqual({
      code: 0,
      output:
        'configuration: 1 events as sealed\naccess: 3 events as sealed\nwork: 0 events as sealed\nhealth: 2 events as sealed\nnot sealed yet: 0\nintact\n',
    });
    const withKey = await run(databaseUrl, ['--heads', heads], { AUDIT_SIGNING_KEY: `file:${pem}` });
    expect(withKey).toMatchObject({ code: 0, output: expect.stringContaining('heads: signature valid\n') });
    const otherKey = file('other.pem', newSigningKey().pem);
    expect(await run(databaseUrl, ['--heads', heads, '--public-key', otherKey])).toMatchObject({
      code: 1,
      output: expect.stringContaining('heads: signature other_key, not trusted\nNOT INTACT'),
    });

    await tamper(sql, (tx) => tx`UPDATE audit_events SET actor = 'a' WHERE entity = 'target'`);
    expect(await run(databaseUrl, ['--heads', heads])).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^configuration: edited at 1 \(event \d+\); 0 events before it as sealed\n/),
    });

    expect(await run(databaseUrl, ['--heads', join(folder, 'none')])).toMatchObject({ code: 2 });
    expect(await run(databaseUrl, ['--what'])).toMatchObject({ code: 2, output: expect.stringContaining('usage: ') });
    const canary = 'canary-of-a-key';
    const wrongKey = await run(databaseUrl, [], { AUDIT_SIGNING_KEY: 'env:MY_KEY', MY_KEY: canary });
    expect(wrongKey).toMatchObject({
      code: 2,
      output: expect.stringContaining('AUDIT_SIGNING_KEY env:MY_KEY: expected an Ed25519'),
    });
    expect(wrongKey.output).not.toContain(canary);
  });
});
