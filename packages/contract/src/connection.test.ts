import { describe, expect, it } from 'vitest';
import { Connection, connectionProblem, SecretRef } from './connection.ts';

const code = (text: string) => connectionProblem(text)?.code ?? null;

describe('connection', () => {
  it.each([
    'postgresql://maintainer@db.internal:5432/shop',
    'postgres://u@db/shop',
    'postgresql://u@[::1]:5432/shop?sslmode=verify-full',
    'postgresql://u%40corp@10.0.0.1/my%2Fdb',
  ])('accepts %s', (text) => expect(code(text)).toBeNull());

  it.each([
    ['postgresql://u:secret@db/shop', 'password_in_connection'],
    ['postgres://:secret@db/shop', 'password_in_connection'],
    ['postgresql://u@db/shop?password=secret', 'password_in_connection'],
    ['postgresql://u:@db/shop', 'password_in_connection'],
    ['POSTGRES://u@db/shop', 'unsupported_scheme'],
    ['mysql://u:secret@db/shop', 'password_in_connection'],
    ['postgresql://u:se/cret@db/shop', 'invalid_connection'],
    ['postgresql://u:5/cret@db', 'no_user'],
    ['postgresql://u@d:5/cret@db', 'no_database'],
    ['postgresql://u:5?cret@db/shop', 'no_user'],
    ['mysql://u@db/shop', 'unsupported_scheme'],
    ['postgresql:///shop', 'no_user'],
    ['postgresql://db/shop', 'no_user'],
    ['postgresql://u@/shop', 'invalid_connection'],
    ['postgresql://u@db/%zz', 'invalid_connection'],
    ['postgresql://u@db/shop?sslmode=prefer', 'unsupported_parameter'],
    ['postgresql://u@one,two/shop', 'invalid_host'],
    ['postgresql://u@%2Fvar%2Frun/shop', 'invalid_host'],
    ['postgresql://u@db', 'no_database'],
    ['postgresql://u@db/', 'no_database'],
    ['postgresql://u@db/shop/more', 'no_database'],
    ['postgresql://u@db/shop?options=-c%20statement_timeout%3D0', 'unsupported_parameter'],
    ['postgresql://u@db/shop?sslmode=sometimes', 'unsupported_parameter'],
    ['postgresql://u@db/shop#x', 'unsupported_parameter'],
    ['postgresql://u@db/sh op', 'invalid_connection'],
    ['postgresql://u@db/sh\nop', 'invalid_connection'],
    ['db.internal', 'invalid_connection'],
    ['', 'invalid_connection'],
  ])('refuses %j as %s', (text, expected) => expect(code(text)).toBe(expected));

  it('says where a password belongs and repeats nothing of the URL', () => {
    const refused = Connection.safeParse('postgresql://maintainer:hunter2@db.internal/shop');
    const text = JSON.stringify(refused.error?.issues);
    expect(text).toContain('secret_ref');
    expect(text).not.toMatch(/hunter2|db\.internal|maintainer/);
  });
});

describe('secret_ref', () => {
  it.each(['env:SHOP_DB_PASSWORD', 'env:_x1', 'file:/run/secrets/shop'])('accepts %s', (text) =>
    expect(SecretRef.safeParse(text).success).toBe(true),
  );
  it.each([
    'hunter2',
    'env:',
    'env:1X',
    'env:A-B',
    'file:relative',
    'file:',
    'env:A\nB',
    'vault:/x',
    'file:/a\0b',
    'file:/a\nb',
  ])('refuses %j', (text) => expect(SecretRef.safeParse(text).success).toBe(false));
});
