import { describe, expect, it } from 'vitest';
import { statementKind } from './statement-kind.ts';

describe('statementKind', () => {
  it.each([
    ['CREATE INDEX CONCURRENTLY t_a_idx ON public.t (a)', 'create', 'public.t', 't_a_idx'],
    ['CREATE UNIQUE INDEX CONCURRENTLY v_idx ON public.v (a, "B")', 'create', 'public.v', 'v_idx'],
    [
      'CREATE UNIQUE INDEX CONCURRENTLY "I ON x.y" ON "a.b"."t""; --" USING btree (a)',
      'create',
      '"a.b"."t""; --"',
      '"I ON x.y"',
    ],
    ['CREATE INDEX CONCURRENTLY "two\nlines" ON s.t USING gist (a)', 'create', 's.t', '"two\nlines"'],
    ['DROP INDEX CONCURRENTLY public.t_a_idx', 'drop', 'public.t_a_idx', 't_a_idx'],
    ['DROP INDEX CONCURRENTLY IF EXISTS "we"".ird"."x y"', 'drop', '"we"".ird"."x y"', '"x y"'],
    ['REINDEX INDEX CONCURRENTLY public."T"', 'reindex', 'public."T"', '"T"'],
    ['REINDEX (VERBOSE) INDEX CONCURRENTLY public.t_a_idx', 'reindex', 'public.t_a_idx', 't_a_idx'],
  ])('waits at the gate for %s', (statement, operation, relation, index) =>
    expect(statementKind(statement)).toEqual({ kind: 'concurrent', operation, relation, index }),
  );

  it.each([
    ['SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity AS a WHERE a.pid = 7', 'select'],
    [`SELECT pg_catalog.pg_drop_replication_slot('it''s')`, 'select'],
    [`SELECT pg_catalog.gin_clean_pending_list('public.t'::pg_catalog.regclass)`, 'select'],
    ['ANALYZE public.t', 'vacuum'],
    ['ANALYZE ONLY public.t', 'vacuum'],
    ['VACUUM public.t', 'vacuum'],
    ['VACUUM (FREEZE, TRUNCATE false) public.t', 'vacuum'],
    ['CREATE INDEX t_a_idx ON ONLY public.t (a)', 'other'],
    ['CREATE INDEX "x INDEX CONCURRENTLY " ON ONLY public.t (a)', 'other'],
    ['ALTER INDEX public.t_a_idx ATTACH PARTITION public.t1_a_idx', 'other'],
    [`COMMENT ON INDEX public.t_a_idx IS 'DROP INDEX CONCURRENTLY public.t'`, 'other'],
    ['DROP INDEX public.t_a_idx', 'other'],
    ['REINDEX INDEX public.t_a_excl', 'other'],
    ['ALTER TABLE public.t VALIDATE CONSTRAINT t_fk', 'other'],
    ['ALTER TABLE public.t ENABLE TRIGGER u', 'other'],
    ['ALTER DOMAIN public.d VALIDATE CONSTRAINT d_check', 'other'],
    ['REFRESH MATERIALIZED VIEW public.v', 'other'],
    ['REFRESH MATERIALIZED VIEW CONCURRENTLY public.v', 'other'],
    ['REVOKE CREATE ON SCHEMA public FROM PUBLIC', 'other'],
  ])('knows %s', (statement, kind) => expect(statementKind(statement)).toEqual({ kind }));

  it('sends nothing CONCURRENTLY of which it cannot tell the table', () => {
    expect(() => statementKind('DROP INDEX CONCURRENTLY t_a_idx')).toThrow('qualified');
    expect(() => statementKind('REINDEX INDEX CONCURRENTLY public.a, public.b')).toThrow('qualified');
  });
});
