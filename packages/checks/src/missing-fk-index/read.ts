import type { TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';

/** A column of a foreign key, in the referencing table. */
export interface KeyColumn {
  readonly name: string;
  /** OID of the operator that looks it up: that of the constraint, turned round. */
  readonly operator: number;
  /** OID of the collation that it is compared by; 0 = not collatable. */
  readonly collation: number;
  /** False = it is cast before it is compared with the key: no index on the plain column serves. */
  readonly comparedAsIs: boolean;
}

/** A foreign key as somebody declared it: what the server derives from it for partitions is part of it. */
export interface ForeignKey {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly tableOid: number;
  readonly name: string;
  /** In the order of the constraint, each once. */
  readonly columns: readonly KeyColumn[];
  readonly referencedSchema: string;
  readonly referencedTable: string;
  readonly referencedOid: number;
  /** pg_constraint.confdeltype: a no action, r restrict, c cascade, n set null, d set default. */
  readonly onDelete: string;
  readonly onUpdate: string;
  /** NOT ENFORCED (18) = the server never looks for rows by it. */
  readonly enforced: boolean;
  /** Its last column is a PERIOD (18). */
  readonly period: boolean;
  readonly partitioned: boolean;
}

const notEnforcedSince = 180000;

/** Whether the operator takes the column as it is, a domain counting as its base. */
const comparedAsIsSql = `EXISTS (SELECT FROM pg_type t LEFT JOIN pg_type b ON b.oid = t.typbasetype JOIN pg_type r ON r.oid = o.oprright
        WHERE t.oid = a.atttypid AND (r.typtype = 'p' OR r.oid IN (t.oid, b.oid, b.typbasetype)
          OR EXISTS (SELECT FROM pg_cast WHERE castsource IN (t.oid, b.oid, b.typbasetype) AND casttarget = r.oid AND castmethod = 'b')))`;

/**
 * Where the referenced column's collation is not deterministic, the server compares by that one. OFFSET 0: what is known of a column is looked
 * up for each, by indexes; joined, the planner would read whole catalogues for every foreign key.
 */
const foreignKeysSql = (serverVersion: number): string => `
SELECT con.oid, n.nspname::text AS schema, c.relname::text AS table, c.oid AS "tableOid", con.conname::text AS name,
  rn.nspname::text AS "referencedSchema", rc.relname::text AS "referencedTable", rc.oid AS "referencedOid",
  con.confdeltype::text AS "onDelete", con.confupdtype::text AS "onUpdate", con.enforced, con.period, c.relkind = 'p' AS partitioned,
  (SELECT json_agg(json_build_object('name', k.name, 'operator', k.operator, 'collation', k.collation, 'comparedAsIs', k."comparedAsIs") ORDER BY k.n)
   FROM (SELECT DISTINCT ON (u.attnum) u.n, a.attname AS name, coalesce(nullif(o.oprcom, 0), o.oid)::int8 AS operator, ${comparedAsIsSql} AS "comparedAsIs",
       (CASE WHEN pa.attcollation <> 0 AND pa.attcollation <> a.attcollation
          AND NOT (SELECT pc.collisdeterministic FROM pg_collation pc WHERE pc.oid = pa.attcollation)
         THEN pa.attcollation ELSE a.attcollation END)::int8 AS collation
     FROM unnest(con.conkey, con.confkey, con.conpfeqop) WITH ORDINALITY AS u (attnum, referenced, equality, n)
     CROSS JOIN LATERAL (SELECT * FROM pg_operator WHERE oid = u.equality OFFSET 0) o
     CROSS JOIN LATERAL (SELECT * FROM pg_attribute WHERE attrelid = con.conrelid AND attnum = u.attnum OFFSET 0) a
     CROSS JOIN LATERAL (SELECT * FROM pg_attribute WHERE attrelid = con.confrelid AND attnum = u.referenced OFFSET 0) pa
     ORDER BY u.attnum, u.n) k) AS columns
FROM (
  SELECT *, ${serverVersion >= notEnforcedSince ? 'conenforced AS enforced, conperiod AS period' : 'true AS enforced, false AS period'}
  FROM pg_constraint WHERE contype = 'f' AND conparentid = 0) con
JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class rc ON rc.oid = con.confrelid JOIN pg_namespace rn ON rn.oid = rc.relnamespace
WHERE ${usersTableSql}
ORDER BY 2, 3, 5`;

/** Reads the catalogue alone, which anybody may, and opens no relation: nothing here waits for a lock. */
export function readForeignKeys(reader: TargetReader): Promise<readonly ForeignKey[]> {
  return reader.query<ForeignKey>(foreignKeysSql(reader.serverVersion));
}
