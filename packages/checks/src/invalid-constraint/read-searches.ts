import type { TargetReader } from '@slacktide/application/ports';
import { exclusivelyLockedSql } from '../catalogue/exclusively-locked.ts';
import { carriesUserCodeSql } from '../catalogue/user-code.ts';

/** How the rows that break a constraint are found, and what stands in the way. */
export interface ViolatorSearch {
  readonly constraintOid: number;
  /** A query that returns them; null = there is none, as for PERIOD, or a table is locked. */
  readonly find: string | null;
  /** Counts them up to a limit (parameter $1). */
  readonly count: string | null;
  /** No table holds what it constrains: a domain that nothing uses. */
  readonly unused: boolean;
  readonly sizeBytes: number;
  /** Somebody holds, or waits for, ACCESS EXCLUSIVE on one of the tables. */
  readonly locked: boolean;
  /** One of the tables is a foreign one. */
  readonly foreign: boolean;
  /** Reading one of the tables may run functions that somebody defined. */
  readonly userCode: boolean;
  /** Row security would hide rows from this role, and run its conditions as this role. */
  readonly rowSecurity: boolean;
  readonly readable: boolean;
  /** GRANTs that make them readable; null when they are. */
  readonly grant: string | null;
}

/** How the rows of table `n.c` are named in a query: what comes between FROM and AS. */
type Source = (only: string, schema: string, table: string) => string;

const asItIs: Source = (only, schema, table) => `format('%s%I.%I', ${only}, ${schema}, ${table})`;

/** Read as a whole, by no index: a scan of ours, or a probe of the planner, would make an index that nobody needs look used. */
const byNoIndex: Source = (only, schema, table) =>
  `format('(SELECT tableoid, ctid, * FROM %s%I.%I TABLESAMPLE system (100) OFFSET 0)', ${only}, ${schema}, ${table})`;

/** Like the server's own check of a new foreign key. Collations that differ are settled as there: by the referenced column's. */
const foreignKeySql = (source: Source): string => `(
  SELECT format('SELECT * FROM %s AS x WHERE (%s) AND NOT EXISTS (SELECT FROM %s%I.%I AS y WHERE %s)',
    ${source(`CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END`, 'n.nspname', 'c.relname')},
    string_agg(format('x.%I IS NOT NULL', a.attname), CASE con.confmatchtype WHEN 'f' THEN ' OR ' ELSE ' AND ' END ORDER BY k.n),
    CASE rc.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, rn.nspname, rc.relname,
    string_agg(format('y.%I OPERATOR(%I.%s) x.%I%s', pa.attname, opn.nspname, o.oprname, a.attname,
      CASE WHEN pa.attcollation <> a.attcollation AND pa.attcollation <> 0 THEN format(' COLLATE %I.%I', cn.nspname, coll.collname) ELSE '' END),
      ' AND ' ORDER BY k.n))
  FROM unnest(con.conkey, con.confkey, con.conpfeqop) WITH ORDINALITY AS k (attnum, referenced, equality, n)
  JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.attnum
  JOIN pg_attribute pa ON pa.attrelid = con.confrelid AND pa.attnum = k.referenced
  JOIN pg_operator o ON o.oid = k.equality JOIN pg_namespace opn ON opn.oid = o.oprnamespace
  LEFT JOIN pg_collation coll ON coll.oid = pa.attcollation LEFT JOIN pg_namespace cn ON cn.oid = coll.collnamespace)`;

/** Constraints that heirs do not have hold for the table alone. */
const onlySql = `CASE WHEN con.connoinherit THEN 'ONLY ' ELSE '' END`;

/** IS NULL is true of a row of nulls, which is not null. */
const notNullSql = (source: Source): string => `(
  SELECT format('SELECT * FROM %s AS x WHERE ' || CASE WHEN t.typtype = 'c' THEN 'pg_catalog.num_nulls(x.%I) = 1' ELSE 'x.%I IS NULL' END,
    ${source(onlySql, 'n.nspname', 'c.relname')}, a.attname)
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = con.conrelid AND a.attnum = con.conkey[1])`;

/** VALUE is no reserved word: a column of that name stands for it. */
const domainSql = (source: Source): string => `(
  SELECT string_agg(format('SELECT * FROM (SELECT x.ctid, x.%I AS value FROM %s AS x) AS v WHERE NOT (%s)', u.attname, ${source(`'ONLY '`, 's.nspname', 'r.relname')},
    CASE con.contype WHEN 'n' THEN 'VALUE IS NOT NULL' ELSE pg_get_expr(con.conbin, 0) END), ' UNION ALL ' ORDER BY s.nspname, r.relname, u.attname)
  FROM used u JOIN pg_class r ON r.oid = u.relid JOIN pg_namespace s ON s.oid = r.relnamespace WHERE u.con_oid = con.oid)`;

/** Columns in the condition of a CHECK carry no name of their table, but a whole row is called by it. */
const checkSql = (source: Source): string =>
  `format('SELECT * FROM %s%s WHERE NOT (%s)', ${source(onlySql, 'n.nspname', 'c.relname')}, ${
    source === asItIs ? `''` : `format(' AS %I', c.relname)`
  }, pg_get_expr(con.conbin, con.conrelid))`;

const querySql = (source: Source, period: string): string => `CASE
  WHEN f.locked OR ${period} THEN NULL
  WHEN con.contypid <> 0 THEN ${domainSql(source)}
  WHEN con.contype = 'f' THEN ${foreignKeySql(source)}
  WHEN con.contype = 'n' THEN ${notNullSql(source)}
  WHEN con.contype = 'c' THEN ${checkSql(source)} END`;

const searchesSql = (period: string): string => `
WITH RECURSIVE asked AS MATERIALIZED (SELECT * FROM pg_constraint WHERE oid = ANY ($1::oid[])),
domain(con_oid, type) AS (
  SELECT oid, contypid FROM asked WHERE contypid <> 0
  UNION
  SELECT d.con_oid, t.oid FROM domain d JOIN pg_type t ON t.typbasetype = d.type WHERE t.typtype = 'd'),
used AS MATERIALIZED (
  SELECT d.con_oid, a.attrelid AS relid, a.attname
  FROM domain d JOIN pg_attribute a ON a.atttypid = d.type JOIN pg_class c ON c.oid = a.attrelid
  WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'm') AND c.relpersistence <> 't'),
scanned(con_oid, relid, named) AS (
  SELECT oid, conrelid, true FROM asked WHERE conrelid <> 0
  UNION SELECT oid, confrelid, true FROM asked WHERE contype = 'f'
  UNION SELECT u.con_oid, u.relid, true FROM used u),
below(con_oid, relid, named) AS (
  SELECT * FROM scanned
  UNION
  SELECT b.con_oid, i.inhrelid, false
  FROM below b JOIN asked con ON con.oid = b.con_oid JOIN pg_inherits i ON i.inhparent = b.relid JOIN pg_class c ON c.oid = i.inhrelid
  WHERE con.contypid = 0 AND CASE con.contype WHEN 'f' THEN c.relispartition ELSE NOT con.connoinherit END),
locked AS MATERIALIZED (${exclusivelyLockedSql}),
facts AS MATERIALIZED (
  SELECT b.con_oid, bool_or(m.locked) AS locked, bool_or(c.relkind = 'f') AS foreign, bool_or(${carriesUserCodeSql('b.relid')}) AS "userCode",
    coalesce(sum(CASE WHEN c.relkind IN ('r', 'm') AND NOT m.locked THEN pg_relation_size(c.oid) END), 0)::float8 AS "sizeBytes",
    bool_or(b.named AND row_security_active(c.oid)) AS "rowSecurity", bool_and(NOT b.named OR (m.usage AND m.selects)) AS readable,
    string_agg(DISTINCT CASE WHEN b.named THEN concat_ws('; ',
      CASE WHEN NOT m.usage THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
      CASE WHEN NOT m.selects THEN format('GRANT SELECT ON TABLE %I.%I TO %I', n.nspname, c.relname, current_user) END) END, '; ') AS grant
  FROM below b JOIN pg_class c ON c.oid = b.relid JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (SELECT c.oid IN (SELECT relation FROM locked) AS locked, has_schema_privilege(n.oid, 'USAGE') AS usage,
    has_table_privilege(c.oid, 'SELECT') AS selects) m
  GROUP BY b.con_oid)
SELECT con.oid AS "constraintOid", find.query AS find, format('SELECT count(*)::float8 AS violators FROM (%s LIMIT $1) AS v', find.counting) AS count,
  f.con_oid IS NULL AS unused, coalesce(f."sizeBytes", 0) AS "sizeBytes", coalesce(f.locked, false) AS locked,
  coalesce(f.foreign, false) AS foreign, coalesce(f."userCode", false) AS "userCode", coalesce(f."rowSecurity", false) AS "rowSecurity",
  coalesce(f.readable, true) AS readable, nullif(f.grant, '') AS grant
FROM asked con LEFT JOIN facts f ON f.con_oid = con.oid
LEFT JOIN pg_class c ON c.oid = con.conrelid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class rc ON rc.oid = con.confrelid LEFT JOIN pg_namespace rn ON rn.oid = rc.relnamespace
CROSS JOIN LATERAL (SELECT ${querySql(asItIs, period)} AS query, ${querySql(byNoIndex, period)} AS counting) find`;

const periodSince = 180000;

/** How to find what breaks these constraints. Expressions of tables under ACCESS EXCLUSIVE are not printed: that would wait for the lock. */
export function readSearches(reader: TargetReader, constraints: readonly number[]): Promise<readonly ViolatorSearch[]> {
  return reader.query<ViolatorSearch>(searchesSql(reader.serverVersion >= periodSince ? 'con.conperiod' : 'false'), [
    constraints,
  ]);
}
