import { describe, expect, it } from 'vitest';
import { whyNoWayBack, workOf } from './work-of.ts';

const quoted = '"we""ird; --"."it\'s ON"';

describe('workOf', () => {
  it.each([
    [
      'CREATE INDEX CONCURRENTLY plain_ref_idx ON public.plain (ref)',
      { kind: 'create', index: 'public.plain_ref_idx', table: 'public.plain', whole: false },
    ],
    [
      `CREATE UNIQUE INDEX CONCURRENTLY "a b" ON ${quoted} USING btree (a)`,
      { kind: 'create', index: '"we""ird; --"."a b"', table: quoted, whole: false },
    ],
    [
      'CREATE INDEX p_idx ON ONLY public.p USING gist (a)',
      { kind: 'create', index: 'public.p_idx', table: 'public.p', whole: true },
    ],
    [`DROP INDEX CONCURRENTLY ${quoted}`, { kind: 'drop', index: quoted, whole: false }],
    ['DROP INDEX public.p_idx', { kind: 'drop', index: 'public.p_idx', whole: true }],
    ['REINDEX INDEX CONCURRENTLY s.i', { kind: 'reindex', index: 's.i' }],
    ['REINDEX INDEX s.i', { kind: 'reindex', index: 's.i' }],
    [`ALTER INDEX s.i ATTACH PARTITION ${quoted}`, { kind: 'attach', index: quoted }],
    ['VACUUM s.t', { kind: 'vacuum', table: 's.t' }],
    ['VACUUM (FREEZE, TRUNCATE false) s.t', { kind: 'vacuum', table: 's.t' }],
    ['ANALYZE ONLY s.t', { kind: 'analyze', table: 's.t' }],
    [`ALTER TABLE ${quoted} VALIDATE CONSTRAINT c`, { kind: 'validate', table: quoted }],
    ['REFRESH MATERIALIZED VIEW s.m', { kind: 'refresh', table: 's.m' }],
    ['ALTER DOMAIN s.d VALIDATE CONSTRAINT c', { kind: 'other' }],
    [`ALTER FUNCTION s.f() SET search_path = 's'`, { kind: 'other' }],
    ['SELECT pg_catalog.pg_terminate_backend(a.pid) FROM a', { kind: 'other' }],
    ['REVOKE CREATE ON SCHEMA public FROM PUBLIC', { kind: 'other' }],
  ])('knows %s', (statement, work) => expect(workOf(statement)).toEqual(work));
});

it('tells why there is no way back of each kind', () => {
  expect(whyNoWayBack({ kind: 'validate', table: 's.t' })).toContain('holds as it did before');
  expect(whyNoWayBack({ kind: 'other' })).toBe('no statement takes it back');
});
