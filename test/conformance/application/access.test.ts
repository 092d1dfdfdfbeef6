import { authenticate, createApiKey, listAudit } from '@slacktide/application';
import { describe, expect, it } from 'vitest';
import { refusalOf, setup } from './setup.ts';

const now = () => new Date('2026-11-22T12:00:00.000Z');

async function setupKey(expiresAt: Date | null = null) {
  const it = await setup();
  const input = { name: 'Operator', scopes: ['maintenance:read', 'maintenance:write'] as const, expiresAt };
  const created = await createApiKey({ ...it.deps, apiKeys: it.apiKeys }, it.ctx, input);
  const login = (key = created.key) => authenticate({ apiKeys: it.apiKeys, now }, key);
  return { ...it, ...created, login };
}

describe('createApiKey', () => {
  it('returns the key once: ledger and audit log have neither key nor secret', async () => {
    const { deps, ctx, id, key, sql } = await setupKey();
    expect(key).toMatch(/^slk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    const secret = key.slice(`slk_${id}_`.length);
    const [row] = await sql`SELECT * FROM api_keys`;
    const audit = await listAudit(deps, ctx, { limit: 50, entity: 'api_key' });
    expect(audit.items).toMatchObject([{ action: 'api_key.create', entity_id: id, after: { name: 'Operator' } }]);
    expect(JSON.stringify([row, audit])).not.toContain(secret);
    expect(row?.['secret_hash']).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('authenticate', () => {
  it('tells who presents the key and remembers the use', async () => {
    const { login, id, sql } = await setupKey(new Date('2026-11-22T12:00:00.001Z'));
    expect(await login()).toEqual({
      actor: { kind: 'api_key', id, name: 'Operator' },
      scopes: ['maintenance:read', 'maintenance:write'],
    });
    const [row] = await sql`SELECT last_used_at FROM api_keys`;
    expect(row?.['last_used_at']).not.toBeNull();
  });

  it('refuses a key that is malformed, of an unknown id, or with another secret', async () => {
    const { login, id, key } = await setupKey();
    const other = key.at(-5) === 'A' ? 'B' : 'A';
    const wrong = `${key.slice(0, -5)}${other}${key.slice(-4)}`;
    const unknown = key.replace(id, '0000000000000000');
    for (const text of ['', 'x', wrong, unknown]) {
      const refusal = await refusalOf(login(text));
      expect(refusal).toMatchObject({ code: 'unauthenticated', message: 'The API key is not valid' });
    }
  });

  it('refuses a key that expired or was revoked', async () => {
    const expired = await setupKey(now());
    expect(await refusalOf(expired.login())).toMatchObject({
      code: 'unauthenticated',
      message: expect.stringContaining('expired'),
    });
    const revoked = await setupKey();
    await revoked.sql`UPDATE api_keys SET revoked_at = now()`;
    expect(await refusalOf(revoked.login())).toMatchObject({
      code: 'unauthenticated',
      message: expect.stringContaining('revoked'),
    });
  });
});
