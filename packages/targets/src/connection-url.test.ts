import { TargetError } from '@slacktide/application/ports';
import { expect, it } from 'vitest';
import { parseConnection } from './connection-url.ts';

it('takes host, port, user and database apart', () => {
  expect(parseConnection('postgresql://maintainer@db.internal:6543/shop')).toEqual({
    host: 'db.internal',
    port: 6543,
    user: 'maintainer',
    database: 'shop',
    tls: false,
  });
  expect(parseConnection('postgres://r%20%C3%B6@[::1]/a%2Fb')).toMatchObject({
    host: '::1',
    port: 5432,
    user: 'r ö',
    database: 'a/b',
  });
});

it('checks certificates as strictly as libpq does for the same sslmode', () => {
  const tls = (mode: string) => parseConnection(`postgresql://u@h/d?sslmode=${mode}`).tls;
  expect(tls('disable')).toBe(false);
  expect(tls('require')).toEqual({ rejectUnauthorized: false });
  expect(tls('verify-ca')).toMatchObject({ rejectUnauthorized: true, checkServerIdentity: expect.any(Function) });
  expect(tls('verify-full')).toEqual({ rejectUnauthorized: true });
});

it.each([
  ['a password', 'postgresql://u:hunter2@h/d', /password/],
  ['another scheme', 'mysql://u@h/d', /form/],
  ['no URL', 'host=hunter2', /form/],
  ['no user', 'postgresql://h/d', /user/],
  ['no database', 'postgresql://u@h', /database/],
  ['server options', 'postgresql://u@h/d?options=-c%20statement_timeout=0', /"options"/],
  ['another host', 'postgresql://u@h/d?host=/tmp', /"host"/],
  ['a mode that may fall back to plain text', 'postgresql://u@h/d?sslmode=prefer', /sslmode/],
  ['an inherited mode', 'postgresql://u@h/d?sslmode=constructor', /sslmode/],
  ['a broken escape', 'postgresql://u@h/%zz', /percent/],
])('refuses %s', (_, connection, message) => {
  const parse = () => parseConnection(connection);
  expect(parse).toThrow(TargetError);
  expect(parse).toThrow(message);
  expect(parse).not.toThrow(/hunter2/);
});
