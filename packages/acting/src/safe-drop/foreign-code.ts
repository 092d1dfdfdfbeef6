import type { TargetReader } from '@slacktide/application/ports';
import { wordsOf } from './statement-words.ts';

/** First OID of what was made after initdb. */
const firstUsers = 16_384;

/**
 * Planning a statement runs code: functions of constants are folded, and operators estimate. It would run with our rights, so that whoever may define a
 * function could have us do what only we may. Foreign is what belongs to somebody who could not become us anyway.
 *
 * What a statement may call it names, or a view, policy, index, constraint or statistics object of a relation that it names does; operators, casts, domains and
 * ranges go without a name, so that a single foreign one is enough.
 */
const foreignSql = `
WITH RECURSIVE foreign_code AS MATERIALIZED (
  SELECT p.oid, p.proname FROM pg_proc p
  WHERE p.oid >= ${firstUsers} AND NOT pg_has_role(p.proowner, (SELECT oid FROM pg_roles WHERE rolname = current_user), 'MEMBER')
), relations AS (
  SELECT c.oid FROM pg_class c WHERE c.oid >= ${firstUsers} AND (c.relname::text = ANY ($1::text[]) OR c.oid = $2::oid)
  UNION SELECT more.oid FROM relations CROSS JOIN LATERAL (
    SELECT i.inhrelid AS oid FROM pg_inherits i WHERE i.inhparent = relations.oid
    UNION SELECT d.refobjid FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
      WHERE r.ev_class = relations.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid >= ${firstUsers}) AS more
), parts AS (
  SELECT 'pg_class'::regclass AS classid, oid AS objid FROM relations
  UNION ALL SELECT 'pg_class'::regclass, i.indexrelid FROM pg_index i WHERE i.indrelid IN (SELECT oid FROM relations)
  UNION ALL SELECT 'pg_rewrite'::regclass, r.oid FROM pg_rewrite r WHERE r.ev_class IN (SELECT oid FROM relations)
  UNION ALL SELECT 'pg_policy'::regclass, p.oid FROM pg_policy p WHERE p.polrelid IN (SELECT oid FROM relations)
  UNION ALL SELECT 'pg_attrdef'::regclass, a.oid FROM pg_attrdef a WHERE a.adrelid IN (SELECT oid FROM relations)
  UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid FROM pg_statistic_ext s WHERE s.stxrelid IN (SELECT oid FROM relations)
  UNION ALL SELECT 'pg_constraint'::regclass, c.oid FROM pg_constraint c WHERE c.conrelid IN (SELECT oid FROM relations) OR c.contypid <> 0
)
SELECT EXISTS (SELECT FROM foreign_code) AND (
  EXISTS (SELECT FROM foreign_code WHERE proname::text = ANY ($1::text[]))
  OR EXISTS (SELECT FROM pg_operator o JOIN foreign_code f ON f.oid IN (o.oprcode, o.oprrest, o.oprjoin))
  OR EXISTS (SELECT FROM pg_cast c JOIN foreign_code f ON f.oid = c.castfunc)
  OR EXISTS (SELECT FROM pg_range r JOIN foreign_code f ON f.oid IN (r.rngcanonical, r.rngsubdiff))
  OR EXISTS (SELECT FROM parts JOIN pg_depend d ON d.classid = parts.classid AND d.objid = parts.objid
    JOIN foreign_code f ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = f.oid)) AS "foreign"`;

/** Whether planning the statement may run code of somebody who has fewer rights than we. When in doubt it may. */
export async function mayRunForeignCode(reader: TargetReader, statement: string, tableOid: number): Promise<boolean> {
  const words = wordsOf(statement);
  if (words === undefined) return true;
  const [row] = await reader.query<{ foreign: boolean }>(foreignSql, [words, tableOid]);
  return row?.foreign !== false;
}
