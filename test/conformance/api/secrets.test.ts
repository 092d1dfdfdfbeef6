import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { ledgerContents } from './support/ledger-contents.ts';
import { startApi } from './support/start-api.ts';
import { newTarget } from './support/target.ts';

/** A word that occurs nowhere else, and the file a worker finds it in. */
async function canaryInFile() {
  const canary = `canary-${randomBytes(12).toString('hex')}`;
  const folder = await mkdtemp(join(tmpdir(), 'slacktide-secret-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'password');
  await writeFile(file, `${canary}\n`);
  return { canary, folder, file };
}

it('never gives back a password that a worker used, nor writes it down', async () => {
  const { canary, file, folder } = await canaryInFile();
  const api = await startApi({ worker: { env: {}, secretRoots: [folder] } });
  const { connection, url } = await newTarget();
  const role = `canary_${randomBytes(4).toString('hex')}`;
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  await owner.query(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD '${canary}'`);
  onTestFinished(async () => {
    await owner.query(`DROP ROLE ${role}`);
    await owner.end();
  });

  const address = { connection: connection.replace('postgres@', `${role}@`), secret_ref: `file:${file}` };
  const wrongRole = { ...address, connection };
  const noDatabase = { ...address, connection: `${address.connection}_no` };
  const requests: readonly [request: string, json?: object | undefined, ifMatch?: string][] = [
    ['POST /targets', { id: 'shop', name: 'Shop', ...address }],
    ['POST /targets', { name: 'Wrong role', ...wrongRole }],
    ['POST /targets', { name: 'No database', ...noDatabase }],
    ['POST /targets', { name: 'A folder', ...address, secret_ref: `file:${folder}` }],
    ['POST /targets?verify=false', { id: 'unseen', name: 'Unseen', ...wrongRole }],
    ['PUT /targets/shop', { name: 'Shop', ...noDatabase }, '"1"'],
    ['GET /targets'],
    ['GET /targets/shop'],
    ['POST /targets/shop/test'],
    ['POST /targets/unseen/test'],
    ['POST /plans', { target_id: 'shop', tasks: ['INDEX_REBUILD', 'METRICS_COLLECTION'] }],
    ['POST /plans', { target_id: 'unseen', tasks: ['CHECKPOINT'] }],
    ['POST /api/v1/admin/maintenance', { operation: 'vacuum', target: 'shop', tables: ['nowhere'] }],
    ['POST /api/v1/admin/maintenance', { operation: 'analyze', target: 'shop' }],
    ['DELETE /targets/unseen', undefined, '"1"'],
    ['GET /jobs'],
    ['GET /audit?limit=200'],
    ['GET /health'],
    ['GET /metrics'],
  ];
  const statuses: number[] = [];
  for (const [request, json, ifMatch] of requests) {
    const answer = await api.call(request, { json, ...(ifMatch && { ifMatch }) });
    statuses.push(answer.status);
    expect(answer.text + JSON.stringify([...answer.headers]), request).not.toContain(canary);
  }
  expect(statuses.slice(0, 6), 'the password was used').toEqual([201, 422, 422, 422, 201, 422]);
  expect(JSON.stringify(await ledgerContents(api.sql))).not.toContain(canary);
  expect(api.logged.join()).not.toContain(canary);
});

it('refuses a password in a connection without repeating it, however it is put there', async () => {
  const api = await startApi({ worker: null });
  const before = await ledgerContents(api.sql);
  const connections = [
    'postgresql://m:canary@db:5432/shop',
    'postgres://m:canary@[::1]/shop',
    'postgresql://:canary@db/shop',
    'postgresql://m:canary@db:5432/',
    'postgresql://m:canary@db:notaport/shop',
    'postgresql://m:can%61ry@db/shop?sslmode=canary',
    'postgresql://m@db/shop?password=canary',
    'postgresql://m@db/shop?sslmode=require&password=canary',
    'postgresql://m@db/shop?PASSWORD=canary',
    'postgresql://m@db/shop#canary',
    'mysql://m:canary@db/shop',
    'm:canary@db/shop',
    'canary',
    ' postgresql://m:canary@db/shop',
    'host=db password=canary',
  ];
  for (const connection of connections) {
    const json = { name: 'Shop', connection };
    const answer = await api.call('POST /targets?verify=false', { json, idempotencyKey: 'secret' });
    expect(answer, connection).toMatchObject({ status: 422, body: { errors: [{ pointer: '/connection' }] } });
    expect(answer.text, connection).not.toMatch(/canary|can%61ry/);
  }
  const told = await api.call('POST /targets', { json: { name: 'Shop', connection: connections[0] } });
  expect(told.body.errors[0].detail).toContain('secret_ref');
  expect(await ledgerContents(api.sql)).toEqual(before);
  expect(api.logged.join()).not.toContain('canary');
});

it('keeps no API key: neither the ledger nor any answer nor the log holds its secret', async () => {
  const api = await startApi({ worker: null });
  // slk_<id>_<secret>, whose secret may hold an underscore.
  const secrets = Object.values(api.keys).map((key) => key.replace(/^slk_[^_]+_/, ''));
  const wrong = await api.call('GET /jobs', { key: `${api.keys.read}x` });
  const audit = await api.call('GET /audit');
  const everything = JSON.stringify([wrong, audit, await ledgerContents(api.sql), api.logged]);
  for (const secret of secrets) expect(everything).not.toContain(secret);
});
