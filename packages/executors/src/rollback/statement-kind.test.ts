import { describe, expect, it } from 'vitest';
import { rollbackStatement } from './statement-kind.ts';

describe('rollbackStatement', () => {
  it.each([
    [
      'CREATE INDEX CONCURRENTLY t_a ON public.t USING btree (a)',
      { kind: 'create', table: 'public.t', index: 't_a', quoted: 'public.t_a' },
    ],
    [
      'CREATE UNIQUE INDEX CONCURRENTLY "x ""y"" ON z" ON "s.t"."u"" v" USING btree (a)',
      { kind: 'create', table: '"s.t"."u"" v"', index: 'x "y" ON z', quoted: '"s.t"."x ""y"" ON z"' },
    ],
    ['DROP INDEX CONCURRENTLY "s".t', { kind: 'drop', quoted: '"s".t' }],
    ['DROP INDEX CONCURRENTLY IF EXISTS s.t', { kind: 'drop', quoted: 's.t' }],
    ['ALTER INDEX s.t ALTER COLUMN 1 SET STATISTICS 7', { kind: 'short', relation: 's.t' }],
    [`COMMENT ON INDEX s."T" IS 'CREATE INDEX CONCURRENTLY x ON s.t (a)'`, { kind: 'short', relation: 's."T"' }],
    ['ALTER TABLE s.t CLUSTER ON i', { kind: 'short', relation: 's.t' }],
    ['ANALYZE s.t', { kind: 'short', relation: 's.t' }],
    ['REFRESH MATERIALIZED VIEW s.m WITH NO DATA', { kind: 'short', relation: 's.m' }],
    ['ALTER INDEX s.t ATTACH PARTITION s.u', { kind: 'short', relation: 's.t' }],
    [
      'CREATE INDEX "t a" ON ONLY public."T" USING btree (a)',
      { kind: 'create_whole', table: 'public."T"', quoted: 'public."t a"' },
    ],
    ['DROP INDEX IF EXISTS s."T"', { kind: 'drop_whole', quoted: 's."T"' }],
    ['DROP INDEX s.t', { kind: 'drop_whole', quoted: 's.t' }],
    ['CREATE INDEX t_a ON public.t USING btree (a)', { kind: 'other' }],
    ['SELECT 1', { kind: 'other' }],
  ])('knows %s', (statement, kind) => expect(rollbackStatement(statement)).toEqual(kind));
});
