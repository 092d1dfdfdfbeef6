import { expect, it } from 'vitest';
import { actSettings, readSettings, startupOptions } from './settings.ts';
import { defaultTimings } from './timings.ts';

it('escapes what the server would take for the end of a setting', () => {
  expect(startupOptions({ search_path: '', a: 'x y', b: 'c:\\d', lock_timeout: '3000ms' })).toBe(
    '-c search_path= -c a=x\\ y -c b=c:\\\\d -c lock_timeout=3000ms',
  );
});

it('sets the whole group that ends a session with its client, acting and reading', () => {
  const group = {
    client_connection_check_interval: '1s',
    tcp_keepalives_idle: '3',
    tcp_keepalives_interval: '1',
    tcp_keepalives_count: '3',
    tcp_user_timeout: '6s',
    idle_session_timeout: '10000ms',
    idle_in_transaction_session_timeout: '10000ms',
    search_path: '',
  };
  expect(actSettings(60_000, defaultTimings)).toMatchObject({ ...group, statement_timeout: '60000ms' });
  expect(readSettings(defaultTimings)).toMatchObject({ ...group, default_transaction_read_only: 'on' });
});

it('asks for no longer timeout than PostgreSQL can hold', () => {
  expect(actSettings(1e12, defaultTimings)['statement_timeout']).toBe('2147483647ms');
});
