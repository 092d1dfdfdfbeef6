import type { TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';
import { exclusivelyLockedSql } from '../catalogue/exclusively-locked.ts';
import { carriesUserCodeSql } from '../catalogue/user-code.ts';

export interface MatviewIndex {
  readonly name: string;
  readonly unique: boolean;
  /** REFRESH … CONCURRENTLY can match rows by it. */
  readonly usable: boolean;
  /** Why a unique one is not. */
  readonly partial: boolean;
  readonly expression: boolean;
  readonly valid: boolean;
}

export interface MatviewColumn {
  readonly attribute: number;
  readonly name: string;
  /** `key`: of a type that identifies things; `value`: else compared by code of the server's own; `other`: not compared by us. */
  readonly kind: 'key' | 'value' | 'other';
  /** Statistics saw it repeat, or null. */
  readonly repeats: boolean;
}

export interface Matview {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly populated: boolean;
  /** Somebody holds, or waits for, ACCESS EXCLUSIVE: a refresh does. */
  readonly locked: boolean;
  /** Null when locked. */
  readonly sizeBytes: number | null;
  readonly scans: number;
  readonly indexes: readonly MatviewIndex[];
  readonly readable: boolean;
  /** GRANTs that make it readable; null when it is. */
  readonly grant: string | null;
  /** Reading it may run functions that somebody defined. */
  readonly userCode: boolean;
  /** The rule with its query; null where an index is usable. */
  readonly rule: string | null;
  readonly columns: readonly MatviewColumn[];
  readonly refresh: string;
  /** Takes its rows away again. */
  readonly empty: string;
}

const keyTypes = ['int2', 'int4', 'int8', 'uuid', 'text', 'varchar', 'bpchar'];
const valueTypes = [
  'numeric',
  'bool',
  'date',
  'timestamp',
  'timestamptz',
  'time',
  'name',
  'char',
  'oid',
  'inet',
  'cidr',
  'bytea',
];
const typeList = (names: readonly string[]): string => `('${names.join("','")}')`;

/** As REFRESH decides. Before 18 no other access method would do, but btree is the only one that can be unique. */
const usableSql = `i.indisunique AND i.indimmediate AND i.indisvalid AND i.indislive AND i.indpred IS NULL AND NOT 0 = ANY (i.indkey)`;

const matviewsSql = `
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relispopulated AS populated, m.locked,
  CASE WHEN NOT m.locked THEN pg_relation_size(c.oid)::float8 END AS "sizeBytes", pg_stat_get_numscans(c.oid)::float8 AS scans,
  m.usage AND m.selects AS readable, nullif(concat_ws('; ',
    CASE WHEN NOT m.usage THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
    CASE WHEN NOT m.selects THEN format('GRANT SELECT ON TABLE %I.%I TO %I', n.nspname, c.relname, current_user) END), '') AS grant,
  ${carriesUserCodeSql('c.oid')} AS "userCode",
  coalesce((SELECT json_agg(json_build_object('name', x.relname, 'unique', i.indisunique, 'usable', ${usableSql},
      'partial', i.indpred IS NOT NULL, 'expression', 0 = ANY (i.indkey), 'valid', i.indisvalid AND i.indislive) ORDER BY x.relname)
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid), '[]') AS indexes,
  CASE WHEN m.wanting THEN (SELECT r.ev_action::text FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename = '_RETURN') END AS rule,
  CASE WHEN m.wanting THEN (
    SELECT json_agg(json_build_object('attribute', a.attnum, 'name', a.attname,
      'kind', CASE WHEN t.oid >= 16384 THEN CASE t.typtype WHEN 'e' THEN 'value' ELSE 'other' END
        WHEN t.typname IN ${typeList(keyTypes)} THEN 'key' WHEN t.typname IN ${typeList(valueTypes)} THEN 'value' ELSE 'other' END,
      'repeats', coalesce((SELECT s.n_distinct <> -1 OR s.null_frac > 0 FROM pg_stats s
        WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname), false)) ORDER BY a.attnum)
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
    ELSE '[]' END AS columns,
  format('REFRESH MATERIALIZED VIEW %I.%I', n.nspname, c.relname) AS refresh,
  format('REFRESH MATERIALIZED VIEW %I.%I WITH NO DATA', n.nspname, c.relname) AS empty
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT c.oid IN (${exclusivelyLockedSql}) AS locked, has_schema_privilege(n.oid, 'USAGE') AS usage,
  has_table_privilege(c.oid, 'SELECT') AS selects,
  NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND ${usableSql}) AS wanting) m
WHERE c.relkind = 'm' AND ${usersTableSql}
ORDER BY 2, 3`;

/** The catalogue and the counters alone, which anybody may read; locked views are not measured: that would wait for the lock. */
export function readMatviews(reader: TargetReader): Promise<readonly Matview[]> {
  return reader.query<Matview>(matviewsSql);
}
