import type { LockMode, TemplateContent } from '@slacktide/domain';
import { beforeAll, describe, expect, it } from 'vitest';
import { judgeTemplate } from './judge-template.ts';
import { parseSql } from './parse-sql.ts';
import { parameter, template } from './template.fixture.ts';

// Loading the parser takes a while where cores are busy.
beforeAll(async () => void (await parseSql('SELECT 1')), 30_000);

const names = [parameter('t', 'relation'), parameter('s', 'schema')];

/** Judges one statement with the parameters that it takes of `given`. */
async function judge(statement: string, changes: Partial<TemplateContent> = {}) {
  const given = changes.parameters ?? names;
  const parameters = given.filter(
    ({ name }, at) => statement.includes(`{{${name}}}`) || statement.includes(`$${at + 1}`),
  );
  return await judgeTemplate(template({ statements: [statement], ...changes, parameters }));
}

async function codesOf(statement: string, changes: Partial<TemplateContent> = {}): Promise<readonly string[]> {
  const judgement = await judge(statement, { lockMode: 'ACCESS EXCLUSIVE', ...changes });
  return judgement.kind === 'sound' ? [] : judgement.problems.map(({ code }) => code);
}

describe('what a template may hold', () => {
  it.each<[statement: string, lockMode: LockMode | null, way: string, isIdempotent: boolean]>([
    ['SELECT count(*) FROM public.orders', 'ACCESS SHARE', 'rows', true],
    ['TABLE public.orders', 'ACCESS SHARE', 'rows', true],
    ['VALUES (1), (2)', 'ACCESS SHARE', 'rows', true],
    ['SELECT count(*) FROM pg_class', 'ACCESS SHARE', 'rows', true],
    ['WITH a AS (SELECT 1) SELECT * FROM a', 'ACCESS SHARE', 'rows', true],
    ['SELECT id FROM public.orders FOR UPDATE SKIP LOCKED', 'ROW SHARE', 'rows', true],
    ["SELECT nextval('public.s')", 'ACCESS SHARE', 'rows', false],
    ['SELECT pg_stat_reset()', 'ACCESS SHARE', 'rows', false],
    ['SELECT public.archive()', 'ACCESS SHARE', 'rows', false],
    ['INSERT INTO public.a SELECT * FROM public.b', 'ROW EXCLUSIVE', 'change', false],
    ['UPDATE public.a SET x = 1 WHERE y', 'ROW EXCLUSIVE', 'change', false],
    ['DELETE FROM {{t}} WHERE true', 'ROW EXCLUSIVE', 'change', false],
    [
      'WITH gone AS (DELETE FROM public.a WHERE x RETURNING *) INSERT INTO public.b SELECT * FROM gone',
      'ROW EXCLUSIVE',
      'change',
      false,
    ],
    ['VACUUM (ANALYZE) {{t}}', 'SHARE UPDATE EXCLUSIVE', 'vacuum', true],
    ['VACUUM (FULL off) {{t}}', 'SHARE UPDATE EXCLUSIVE', 'vacuum', true],
    ['VACUUM (FULL) {{t}}', 'ACCESS EXCLUSIVE', 'vacuum', true],
    ['VACUUM FULL {{t}}', 'ACCESS EXCLUSIVE', 'vacuum', true],
    ['ANALYZE {{s}}.orders (customer_id)', 'SHARE UPDATE EXCLUSIVE', 'vacuum', true],
    ['REINDEX INDEX CONCURRENTLY {{t}}', 'SHARE UPDATE EXCLUSIVE', 'concurrent', true],
    ['REINDEX INDEX {{t}}', 'ACCESS EXCLUSIVE', 'locking', true],
    ['REINDEX (VERBOSE) TABLE {{t}}', 'ACCESS EXCLUSIVE', 'locking', true],
    [
      'CREATE INDEX CONCURRENTLY i ON {{t}} (lower(name)) WHERE NOT gone',
      'SHARE UPDATE EXCLUSIVE',
      'concurrent',
      false,
    ],
    ['CREATE UNIQUE INDEX i ON {{t}} (name)', 'SHARE', 'locking', false],
    ['DROP INDEX CONCURRENTLY IF EXISTS {{t}}', 'SHARE UPDATE EXCLUSIVE', 'concurrent', false],
    ['DROP INDEX {{s}}.i', 'ACCESS EXCLUSIVE', 'locking', false],
    ['ALTER INDEX {{t}} SET (fillfactor = 70)', 'SHARE UPDATE EXCLUSIVE', 'locking', true],
    ['ALTER INDEX {{t}} SET (fastupdate = off)', 'ACCESS EXCLUSIVE', 'locking', true],
    ['ALTER INDEX {{t}} RENAME TO other', 'SHARE UPDATE EXCLUSIVE', 'locking', false],
    [
      'ALTER TABLE {{t}} SET (autovacuum_enabled = off), ALTER c SET STATISTICS 500',
      'SHARE UPDATE EXCLUSIVE',
      'locking',
      true,
    ],
    ['ALTER TABLE {{t}} VALIDATE CONSTRAINT c', 'SHARE UPDATE EXCLUSIVE', 'locking', true],
    ['ALTER TABLE {{t}} ALTER c SET NOT NULL', 'ACCESS EXCLUSIVE', 'locking', true],
    ['ALTER TABLE {{t}} ALTER c SET DEFAULT now()', 'ACCESS EXCLUSIVE', 'locking', true],
    ['REFRESH MATERIALIZED VIEW {{t}}', 'ACCESS EXCLUSIVE', 'locking', true],
    ['REFRESH MATERIALIZED VIEW CONCURRENTLY {{t}}', 'EXCLUSIVE', 'locking', true],
    ["COMMENT ON TABLE {{t}} IS 'orders'", 'SHARE UPDATE EXCLUSIVE', 'locking', true],
    ["COMMENT ON COLUMN {{t}}.id IS 'key'", 'SHARE UPDATE EXCLUSIVE', 'locking', true],
    ['CHECKPOINT', null, 'plain', true],
  ])('%s', async (statement, lockMode, way, isIdempotent) => {
    const judgement = await judge(statement, { lockMode });
    expect(judgement).toMatchObject({ kind: 'sound', statements: [{ way, lockMode, isIdempotent }] });
    const again = await judge(statement, { lockMode, class: 'idempotent' });
    if (isIdempotent) expect(again.kind).toBe('sound');
    else expect(again).toMatchObject({ problems: [{ pointer: '/class', code: 'not_idempotent' }] });
  });
});

describe('what a template may not hold', () => {
  it.each([
    "COPY public.orders TO PROGRAM 'sh'",
    "COPY public.orders FROM '/etc/passwd'",
    "COPY public.orders TO '/tmp/x'",
    'COPY public.orders TO STDOUT',
    "DO $$ BEGIN PERFORM pg_read_file('x'); END $$",
    "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE PROCEDURE public.f() LANGUAGE sql AS 'SELECT 1'",
    'CREATE EXTENSION dblink',
    'CREATE ROLE r SUPERUSER',
    'ALTER ROLE r SUPERUSER',
    'DROP ROLE r',
    'CREATE DATABASE d',
    'DROP DATABASE d',
    'ALTER DATABASE d SET work_mem = 1',
    'ALTER SYSTEM SET archive_command = 1',
    'SET ROLE postgres',
    'SET SESSION AUTHORIZATION postgres',
    'SET search_path = public',
    'SET LOCAL work_mem = 1',
    'RESET ALL',
    'SHOW primary_conninfo',
    'GRANT ALL ON public.orders TO public',
    'GRANT pg_read_all_data TO r',
    'REVOKE ALL ON public.orders FROM public',
    "LOAD 'x'",
    'LISTEN c',
    'NOTIFY c',
    'UNLISTEN *',
    'BEGIN',
    'COMMIT',
    'ROLLBACK',
    'SAVEPOINT s',
    'PREPARE TRANSACTION $$x$$',
    'COMMIT PREPARED $$x$$',
    'PREPARE p AS SELECT 1',
    'EXECUTE p',
    'DEALLOCATE ALL',
    'DECLARE c CURSOR FOR SELECT 1',
    'FETCH c',
    'CALL public.p()',
    'EXPLAIN ANALYZE DELETE FROM public.orders WHERE true',
    'LOCK TABLE public.orders',
    'TRUNCATE public.orders',
    'DROP TABLE public.orders',
    'DROP SCHEMA public CASCADE',
    'DROP OWNED BY r',
    'REASSIGN OWNED BY r TO s',
    'CREATE TABLE public.t (x int)',
    'CREATE TABLE public.t AS SELECT 1',
    'SELECT 1 INTO public.t',
    'CREATE VIEW public.v AS SELECT 1',
    'CREATE TRIGGER t BEFORE INSERT ON public.orders EXECUTE FUNCTION public.f()',
    'CREATE EVENT TRIGGER t ON sql_drop EXECUTE FUNCTION public.f()',
    'CREATE SERVER s FOREIGN DATA WRAPPER w',
    'CREATE USER MAPPING FOR r SERVER s',
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
    'CREATE PUBLICATION p FOR ALL TABLES',
    "CREATE TABLESPACE t LOCATION '/tmp'",
    "SECURITY LABEL ON TABLE public.orders IS 'x'",
    'MERGE INTO public.a USING public.b ON true WHEN MATCHED THEN DELETE',
    'CLUSTER public.orders',
    'VACUUM',
    'VACUUM public.a, public.b',
    'ANALYZE',
    'REINDEX SCHEMA public',
    'REINDEX DATABASE shop',
    'REINDEX SYSTEM shop',
    'REINDEX TABLE CONCURRENTLY public.orders',
    'CREATE INDEX ON public.orders (id)',
    'DROP INDEX public.a, public.b',
    'DROP INDEX public.a CASCADE',
    'DROP TABLE public.a',
    'ALTER TABLE public.orders ADD COLUMN x int',
    'ALTER TABLE public.orders DROP COLUMN x',
    'ALTER TABLE public.orders ALTER x TYPE int USING 1',
    'ALTER TABLE public.orders OWNER TO r',
    'ALTER TABLE public.orders DISABLE TRIGGER ALL',
    'ALTER TABLE public.orders DISABLE ROW LEVEL SECURITY',
    'ALTER TABLE public.orders SET SCHEMA other',
    'ALTER TABLE public.orders RENAME TO x',
    'ALTER VIEW public.v SET (security_barrier)',
    'ALTER SEQUENCE public.s RESTART',
    'REFRESH MATERIALIZED VIEW public.v WITH NO DATA',
    "COMMENT ON ROLE postgres IS 'x'",
    "COMMENT ON FUNCTION public.f() IS 'x'",
    'DELETE FROM public.orders WHERE true RETURNING *',
    'WITH a AS (DELETE FROM public.orders WHERE true RETURNING *) SELECT * FROM a',
    'INSERT INTO public.a VALUES (1) RETURNING x',
    'IMPORT FOREIGN SCHEMA x FROM SERVER s INTO public',
    'DISCARD ALL',
  ])('%s', async (statement) => {
    expect(await codesOf(statement)).toContain('statement_not_allowed');
  });

  it.each([
    ["SELECT pg_read_file('/etc/passwd')", 'function_not_allowed'],
    ["SELECT pg_catalog.pg_read_binary_file('x')", 'function_not_allowed'],
    ["SELECT anything.pg_read_file('x')", 'function_not_allowed'],
    ["SELECT ('/etc/passwd'::text).pg_read_file", 'function_not_allowed'],
    ["SELECT t.pg_read_file FROM unnest(ARRAY['/etc/passwd']) AS t", 'function_not_allowed'],
    ['SELECT U&"pg\\005fread_file"(\'x\')', 'function_not_allowed'],
    ['SELECT "pg_read_file"(\'x\')', 'function_not_allowed'],
    ["SELECT PG_READ_FILE('x')", 'function_not_allowed'],
    ["SELECT pg_ls_dir('/')", 'function_not_allowed'],
    ['SELECT * FROM pg_ls_waldir()', 'function_not_allowed'],
    ["SELECT pg_stat_file('x')", 'function_not_allowed'],
    ["SELECT pg_file_write('x', 'y', true)", 'function_not_allowed'],
    ["SELECT lo_import('/etc/passwd')", 'function_not_allowed'],
    ["SELECT lo_export(1, '/tmp/x')", 'function_not_allowed'],
    ["SELECT public.dblink_exec('x', 'y')", 'function_not_allowed'],
    ["SELECT * FROM public.dblink('x', 'y') AS t (x int)", 'function_not_allowed'],
    ['SELECT pg_terminate_backend(pid) FROM pg_stat_activity', 'function_not_allowed'],
    ['SELECT pg_cancel_backend(1)', 'function_not_allowed'],
    ['SELECT pg_reload_conf()', 'function_not_allowed'],
    ['SELECT pg_rotate_logfile()', 'function_not_allowed'],
    ['SELECT pg_promote()', 'function_not_allowed'],
    ['SELECT pg_switch_wal()', 'function_not_allowed'],
    ["SELECT set_config('role', 'postgres', false)", 'function_not_allowed'],
    ["SELECT current_setting('primary_conninfo')", 'function_not_allowed'],
    ["SELECT query_to_xml('DROP TABLE x', true, true, '')", 'function_not_allowed'],
    ["SELECT table_to_xml('pg_authid', true, true, '')", 'function_not_allowed'],
    ["SELECT database_to_xml(true, true, '')", 'function_not_allowed'],
    ["SELECT ts_stat('SELECT 1')", 'function_not_allowed'],
    ["SELECT ts_rewrite('a'::tsquery, 'SELECT 1')", 'function_not_allowed'],
    ['SELECT pg_advisory_unlock_all()', 'function_not_allowed'],
    ['SELECT pg_try_advisory_lock(1)', 'function_not_allowed'],
    ["SELECT pg_drop_replication_slot('x')", 'function_not_allowed'],
    ["SELECT pg_create_logical_replication_slot('x', 'y')", 'function_not_allowed'],
    ["SELECT pg_logical_emit_message(true, 'x', 'y')", 'function_not_allowed'],
    ["SELECT pg_notify('x', 'y')", 'function_not_allowed'],
    ["SELECT 1 FROM public.orders WHERE EXISTS (SELECT pg_read_file('x'))", 'function_not_allowed'],
    ["WITH a AS (SELECT pg_read_file('x')) SELECT * FROM a", 'function_not_allowed'],
    ["UPDATE public.a SET x = pg_read_file('x') WHERE true", 'function_not_allowed'],
    ["INSERT INTO public.a VALUES (pg_read_file('x'))", 'function_not_allowed'],
    ["INSERT INTO public.a VALUES (1) ON CONFLICT (x) DO UPDATE SET x = pg_read_file('x')", 'function_not_allowed'],
    ['DELETE FROM public.a WHERE x = (SELECT lo_get(1))', 'function_not_allowed'],
    ["SELECT 1 ORDER BY pg_read_file('x')", 'function_not_allowed'],
    ["SELECT 1 LIMIT length(pg_read_file('x'))", 'function_not_allowed'],
    ["SELECT count(*) FILTER (WHERE pg_read_file('x') = '') FROM public.a", 'function_not_allowed'],
    ["SELECT sum(1) OVER (ORDER BY pg_read_file('x'))", 'function_not_allowed'],
    ["SELECT CASE WHEN true THEN pg_read_file('x') END", 'function_not_allowed'],
    ["SELECT * FROM ROWS FROM (pg_read_file('x'))", 'function_not_allowed'],
    ["SELECT * FROM public.a TABLESAMPLE system (length(pg_read_file('x')))", 'function_not_allowed'],
    ['CREATE INDEX i ON public.a (pg_read_file(x))', 'function_not_allowed'],
    ["CREATE INDEX i ON public.a (x) WHERE pg_read_file('x') = ''", 'function_not_allowed'],
    ["ALTER TABLE public.a ALTER x SET DEFAULT pg_read_file('x')", 'function_not_allowed'],
    ['SELECT * FROM pg_authid', 'relation_not_allowed'],
    ['SELECT * FROM pg_catalog.pg_shadow', 'relation_not_allowed'],
    ['SELECT 1 WHERE EXISTS (TABLE pg_user_mapping)', 'relation_not_allowed'],
    ['SELECT * FROM information_schema.user_mapping_options', 'relation_not_allowed'],
    ['SELECT * FROM pg_settings', 'relation_not_allowed'],
    ['SELECT * FROM orders', 'relation_not_allowed'],
    ['SELECT * FROM other.public.orders', 'relation_not_allowed'],
    ['SELECT * FROM pg_temp_3.x', 'relation_not_allowed'],
    ['UPDATE pg_catalog.pg_class SET relname = relname WHERE true', 'system_relation'],
    ['DELETE FROM pg_proc WHERE true', 'system_relation'],
    [
      'WITH a AS (DELETE FROM pg_catalog.pg_proc WHERE true RETURNING 1) INSERT INTO public.a SELECT * FROM a',
      'system_relation',
    ],
    ['VACUUM pg_catalog.pg_class', 'system_relation'],
    ['VACUUM orders', 'system_relation'],
    ['DROP INDEX i', 'system_relation'],
    ['ALTER TABLE pg_catalog.pg_class SET (fillfactor = 70)', 'system_relation'],
    ["COMMENT ON TABLE orders IS 'x'", 'system_relation'],
    ['UPDATE public.a SET x = 1', 'no_condition'],
    ['DELETE FROM public.a', 'no_condition'],
    ['WITH a AS (DELETE FROM public.a RETURNING 1) INSERT INTO public.b SELECT * FROM a', 'no_condition'],
    ['SELECT 1;', 'semicolon'],
    ['SELECT 1; DROP TABLE public.a', 'not_one_statement'],
    ['SELECT 1; SELECT 2', 'not_one_statement'],
    ['-- nothing', 'not_one_statement'],
    ['  ', 'not_one_statement'],
    ["SELECT 'open", 'syntax_error'],
    ['SELECT /* open', 'syntax_error'],
    ['SELEKT 1', 'syntax_error'],
    ['SELECT \0', 'syntax_error'],
  ])('%s', async (statement, code) => {
    expect(await codesOf(statement)).toContain(code);
  });
});

describe('parameters', () => {
  const value = [parameter('n', 'int8')];

  it.each([
    'VACUUM (PARALLEL $1) public.a',
    'CREATE INDEX i ON public.a (x) WHERE x > $1',
    'ALTER TABLE public.a ALTER x SET DEFAULT $1',
  ])('are not bound where the server takes none: %s', async (statement) => {
    const codes = await codesOf(statement, { parameters: value });
    expect(['parameter_not_bindable', 'syntax_error']).toContain(codes[0]);
  });

  it.each([
    ['SELECT $2', 'unknown_parameter'],
    ['SELECT $0', 'unknown_parameter'],
    ['SELECT {{other}}', 'unknown_parameter'],
    ['SELECT {{n}}', 'wrong_placeholder'],
    ['SELECT $1 FROM {{n}}', 'wrong_placeholder'],
  ])('have to be declared, and stand as their type needs it: %s', async (statement, code) => {
    const judgement = await judgeTemplate(template({ statements: [statement], parameters: value }));
    expect(judgement).toMatchObject({
      kind: 'problems',
      problems: expect.arrayContaining([expect.objectContaining({ code })]),
    });
  });

  it.each([
    'SELECT {{t}}.x FROM {{t}}',
    'SELECT x FROM {{t}} AS {{t}}',
    'SELECT {{t}}(1)',
    'SELECT {{s}}.f(1)',
    'SELECT "{{t}}" FROM {{t}}',
    'SELECT * FROM "{{t}}", {{t}}.x',
    'SELECT 1::{{t}}',
    'UPDATE public.a SET {{t}} = 1 WHERE true',
    'CREATE INDEX {{t}} ON public.a (x)',
    'ALTER INDEX public.i RENAME TO {{t}}',
    'ALTER TABLE public.a VALIDATE CONSTRAINT {{t}}',
    'SELECT x COLLATE {{t}} FROM public.a',
    'SELECT x FROM {{s}}',
    'SELECT x FROM {{t}}.orders',
    'WITH {{t}} AS (SELECT 1) SELECT 1',
    'VACUUM public.a ({{t}})',
  ])('stand only where a relation or a schema is named: %s', async (statement) => {
    expect(await codesOf(statement)).toEqual(
      expect.arrayContaining([expect.stringMatching(/misplaced_name|syntax_error/)]),
    );
  });

  it('are text where they stand in quotes or comments', async () => {
    const judgement = await judge("SELECT '{{t}} $1' /* {{t}} */ FROM {{t}} -- {{t}} $9", { lockMode: 'ACCESS SHARE' });
    expect(judgement).toMatchObject({ kind: 'sound', statements: [{ names: [{ name: 't' }], bound: [] }] });
  });

  it('have to be taken by some statement', async () => {
    const parameters = [parameter('before', 'timestamptz'), parameter('after', 'timestamptz')];
    expect(await judgeTemplate(template({ parameters }))).toMatchObject({
      problems: [{ pointer: '/parameters/1', code: 'unused_parameter' }],
    });
  });
});

describe('what is said of a template', () => {
  it('access observe lets nothing stand that changes something', async () => {
    const reads = { access: 'observe', lockMode: 'ACCESS SHARE' } as const;
    expect(await codesOf('SELECT 1', reads)).toEqual([]);
    const statements = [
      'DELETE FROM public.a WHERE true',
      'VACUUM public.a',
      'CHECKPOINT',
      'SELECT 1 FROM public.a FOR SHARE',
      "SELECT nextval('public.s')",
      'SELECT public.f()',
      'SELECT 1 OPERATOR(public.+) 2',
      'SELECT 1 OPERATOR(public.=) ANY (SELECT 2)',
      'SELECT id FROM public.a ORDER BY id USING OPERATOR(public.<)',
      'SELECT * FROM public.a TABLESAMPLE system_rows (1)',
    ];
    for (const statement of statements) expect(await codesOf(statement, reads), statement).toContain('needs_act');
  });

  it('the lock mode has to be the strongest that its kinds take', async () => {
    const statements = ['SELECT 1', 'DELETE FROM public.a WHERE true', 'VACUUM public.a'];
    const judged = (lockMode: LockMode | null) => judgeTemplate(template({ statements, parameters: [], lockMode }));
    expect((await judged('SHARE UPDATE EXCLUSIVE')).kind).toBe('sound');
    for (const lockMode of [null, 'ROW EXCLUSIVE', 'ACCESS EXCLUSIVE'] as const) {
      expect(await judged(lockMode)).toMatchObject({ problems: [{ pointer: '/lock_mode', code: 'wrong_lock_mode' }] });
    }
  });

  it('may be a stronger lock mode where others’ functions may take one', async () => {
    const judged = (lockMode: LockMode | null) => judge('SELECT public.f()', { lockMode });
    expect((await judged('ACCESS EXCLUSIVE')).kind).toBe('sound');
    expect((await judged('ACCESS SHARE')).kind).toBe('sound');
    expect((await judged(null)).kind).toBe('problems');
  });

  it('all problems are told at once, each where it is', async () => {
    const statements = ['SELECT 1', 'DROP TABLE public.a', 'DELETE FROM public.a'];
    expect(await judgeTemplate(template({ statements, parameters: [] }))).toEqual({
      kind: 'problems',
      problems: [
        { pointer: '/statements/1', code: 'statement_not_allowed', detail: expect.any(String) },
        { pointer: '/statements/2', code: 'no_condition', detail: expect.any(String) },
      ],
    });
  });
});
