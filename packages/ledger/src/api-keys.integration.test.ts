import type { ApiKey } from '@slacktide/application/ports';
import { expect, it, onTestFinished } from 'vitest';
import { freshLedger, lookInto } from '../../../test/support/ledger.ts';
import { noon } from '../../../test/support/ledger-data.ts';
import { connectLedger } from './connect.ts';

async function setup() {
  const databaseUrl = await freshLedger();
  const { apiKeys, close } = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 2 });
  onTestFinished(() => close());
  return { apiKeys, sql: lookInto(databaseUrl) };
}

const key: ApiKey = {
  id: 'k1',
  name: 'deployments',
  secretHash: 'ab'.repeat(32),
  scopes: ['maintenance:read', 'maintenance:write'],
  expiresAt: noon,
  revokedAt: null,
};

it('keeps a key as it was given, and knows no other', async () => {
  const { apiKeys } = await setup();
  const eternal: ApiKey = { ...key, id: 'k2', scopes: ['maintenance:admin'], expiresAt: null, revokedAt: noon };
  await apiKeys.insert(key);
  await apiKeys.insert(eternal);
  expect(await apiKeys.find('k1')).toEqual(key);
  expect(await apiKeys.find('k2')).toEqual(eternal);
  expect(await apiKeys.find(`k1' OR true --`)).toBeUndefined();
});

it('refuses a second key of the same id, and a secret that is no hash', async () => {
  const { apiKeys } = await setup();
  await apiKeys.insert(key);
  await expect(apiKeys.insert({ ...key, name: 'other' })).rejects.toMatchObject({ code: 'conflict' });
  await expect(apiKeys.insert({ ...key, id: 'k2', secretHash: 'swordfish' })).rejects.toThrow('api_keys_secret_hash');
  expect(await apiKeys.find('k1')).toEqual(key);
});

it('remembers the use of a key, at most once a minute', async () => {
  const { apiKeys, sql } = await setup();
  await apiKeys.insert(key);
  const uses = async () => (await sql`SELECT last_used_at, xmin::text FROM api_keys`)[0];
  expect(await uses()).toMatchObject({ last_used_at: null });
  await apiKeys.touch('k1');
  const first = await uses();
  expect(first).toMatchObject({ last_used_at: expect.any(Date) });
  await apiKeys.touch('k1');
  expect(await uses()).toEqual(first);
  await sql`UPDATE api_keys SET last_used_at = now() - interval '1 minute'`;
  await apiKeys.touch('k1');
  expect((await uses())?.['last_used_at'].getTime()).toBeGreaterThanOrEqual(first?.['last_used_at'].getTime());
  await apiKeys.touch('nobody');
});
