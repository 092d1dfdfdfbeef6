import type { TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';

/** How old the oldest transaction id and multixact of a heap may be. */
export interface HeapAges {
  /** Null = it stores none. */
  readonly xidAge: number | null;
  readonly multixactAge: number | null;
  /** Storage parameters autovacuum_[multixact_]freeze_max_age that hold for it; null = as the server. */
  readonly xidLimit: number | null;
  readonly multixactLimit: number | null;
}

export interface TableAges extends HeapAges {
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  readonly kind: 'table' | 'materialized_view';
  /** Its TOAST table, which is frozen with it and by its storage parameters unless it has any of its own. */
  readonly toast: HeapAges | null;
  readonly temporary: boolean;
  /** The session that a temporary table belongs to; null = cannot be told, or it is gone. */
  readonly temporaryOf: number | null;
  /** A VACUUM of it, or of its TOAST table, is running. */
  readonly beingVacuumed: boolean;
}

export interface Relations {
  /** Tables of users, and of sessions. */
  readonly tables: readonly TableAges[];
  /** Of all relations of the database, catalogues and extensions included, the oldest few. */
  readonly oldest: readonly OldRelation[];
}

interface OldRelation {
  readonly relation: string;
  readonly xid_age: number | null;
  readonly multixact_age: number | null;
}

export async function readRelations(reader: TargetReader): Promise<Relations> {
  return {
    tables: await reader.query<TableAges>(tablesSql(reader.serverVersion)),
    oldest: await reader.query<OldRelation>(oldestSql),
  };
}

/** Backends are numbered as temporary schemas are from 16 on. */
const backendNumbersSince = 160000;

const xidAge = (alias: string): string =>
  `CASE WHEN ${alias}.relfrozenxid <> '0'::xid THEN age(${alias}.relfrozenxid) END`;
const multixactAge = (alias: string): string =>
  `CASE WHEN ${alias}.relminmxid <> '0'::xid THEN mxid_age(${alias}.relminmxid) END`;

function limit(name: string, options: string): string {
  return `(SELECT option_value::float8 FROM pg_options_to_table(${options}) WHERE option_name = '${name}')`;
}

function ages(alias: string, options: string): readonly (readonly [key: keyof HeapAges, sql: string])[] {
  return [
    ['xidAge', xidAge(alias)],
    ['multixactAge', multixactAge(alias)],
    ['xidLimit', limit('autovacuum_freeze_max_age', options)],
    ['multixactLimit', limit('autovacuum_multixact_freeze_max_age', options)],
  ];
}

function tablesSql(serverVersion: number): string {
  const temporaryOf =
    serverVersion >= backendNumbersSince
      ? `CASE WHEN c.relpersistence = 't' THEN (SELECT pg_stat_get_backend_pid(b) FROM pg_stat_get_backend_idset() AS b
    WHERE n.nspname = 'pg_temp_' || b LIMIT 1) END`
      : 'NULL::int';
  const own = ages('c', 'c.reloptions').map(([key, sql]) => `${sql} AS "${key}"`);
  const toast = ages('t', 'coalesce(t.reloptions, c.reloptions)').map(([key, sql]) => `'${key}', ${sql}`);
  return `
SELECT n.nspname::text AS schema, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
  CASE c.relkind WHEN 'm' THEN 'materialized_view' ELSE 'table' END AS kind,
  ${own.join(',\n  ')},
  CASE WHEN t.oid IS NOT NULL THEN jsonb_build_object(${toast.join(',\n    ')}) END AS toast,
  c.relpersistence = 't' AS temporary, ${temporaryOf} AS "temporaryOf", v.pid IS NOT NULL AS "beingVacuumed"
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
  LEFT JOIN LATERAL (SELECT p.pid FROM pg_stat_progress_vacuum p
    WHERE p.relid IN (c.oid, t.oid) AND p.datname = current_database() LIMIT 1) v ON true
WHERE c.relkind IN ('r', 'm') AND (c.relpersistence = 't' OR ${usersTableSql})
ORDER BY n.nspname, c.relname`;
}

const oldestSql = `
SELECT format('%I.%I', n.nspname, c.relname) AS relation, ${xidAge('c')} AS xid_age, ${multixactAge('c')} AS multixact_age
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 't')
ORDER BY xid_age DESC NULLS LAST, multixact_age DESC NULLS LAST, 1 LIMIT 5`;
