import { usersTableSql } from '@slacktide/targets';
import { columnPartsSql } from './read-tables.ts';

/** How a sequence counts, not where it stands. Those of identity columns are the columns'. */
export const sequencesSql = `
SELECT 'sequence' AS kind, n.nspname::text AS schema, '' AS within, c.relname::text AS name,
  jsonb_strip_nulls(jsonb_build_object('definition', format('AS %s INCREMENT %s MINVALUE %s MAXVALUE %s START %s CACHE %s%s',
      format_type(s.seqtypid, NULL), s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache, CASE WHEN s.seqcycle THEN ' CYCLE' END),
    'owned by', (SELECT o.nspname || '.' || t.relname FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid
      JOIN pg_namespace o ON o.oid = t.relnamespace WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
        AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'))) AS parts
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE ${usersTableSql} AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i')`;

/** Names of a domain's constraints do not matter, what they ask for does. */
const domainPartsSql = `
SELECT 'type', concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
  CASE WHEN t.typcollation <> 0 AND t.typcollation <> b.typcollation THEN (SELECT format('COLLATE %I.%I', s.nspname, l.collname)
    FROM pg_collation l JOIN pg_namespace s ON s.oid = l.collnamespace WHERE l.oid = t.typcollation) END,
  CASE WHEN t.typnotnull THEN 'NOT NULL' END)
FROM pg_type b WHERE t.typtype = 'd' AND b.oid = t.typbasetype
UNION ALL SELECT 'default', pg_get_expr(t.typdefaultbin, 0) WHERE t.typtype = 'd' AND t.typdefaultbin IS NOT NULL
UNION ALL SELECT 'checks', string_agg(regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', ''), ' ' ORDER BY pg_get_constraintdef(k.oid))
FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c' HAVING count(*) > 0`;

/** Labels as JSON: they may hold anything. */
const otherPartsSql = `
SELECT 'labels', jsonb_agg(e.enumlabel::text ORDER BY e.enumsortorder)::text FROM pg_enum e WHERE e.enumtypid = t.oid HAVING count(*) > 0
UNION ALL SELECT 'subtype', format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid
UNION ALL SELECT part, text FROM pg_class c, LATERAL (${columnPartsSql}) p
WHERE c.oid = t.typrelid`;

/** Enums, domains, composite types and ranges; the types that tables and multiranges bring along are theirs. */
export const typesSql = `
SELECT 'type' AS kind, n.nspname::text AS schema, '' AS within, t.typname::text AS name,
  (SELECT jsonb_object_agg(p.part, p.text) FROM (
    SELECT 'kind' AS part, CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' ELSE 'composite' END AS text
    UNION ALL ${domainPartsSql}
    UNION ALL ${otherPartsSql}) p) AS parts
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class o ON o.oid = t.typrelid
WHERE (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND o.relkind = 'c'))
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'e'
    AND ((d.classid = 'pg_type'::regclass AND d.objid = t.oid) OR (d.classid = 'pg_class'::regclass AND d.objid = o.oid)))`;
