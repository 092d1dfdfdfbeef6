import type { TargetReader } from '@slacktide/application/ports';
import type { Count } from './counting.ts';
import type { AxisType, Cutoff } from './time-axis.ts';

/** A partition of a RANGE on the column alone, at any depth, as the catalogue shows it. */
export interface PartitionRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** r table, p partitioned table, f foreign table. */
  readonly relkind: string;
  readonly parentOid: number;
  readonly parent: string;
  /** `FOR VALUES FROM (…) TO (…)`, in UTC. */
  readonly bound: string;
  /** Exclusive; null for the DEFAULT partition and MAXVALUE. */
  readonly upper: string | null;
  /** The upper bound as a number, to sort by. */
  readonly order: number | null;
  /** Every row it may hold is before the cutoff. */
  readonly expired: boolean;
  readonly isDefault: boolean;
  /** A DETACH CONCURRENTLY of it was cut short. */
  readonly pending: boolean;
  /** Its own partitions are of a RANGE on the same column alone. */
  readonly divides: boolean;
}

/** What else decides about an expired partition; with all that is below it. */
export interface PartitionFacts extends PartitionRow {
  /** The parent has a DEFAULT partition: then it cannot be detached CONCURRENTLY. */
  readonly defaultPartition: string | null;
  /** Rows of the DEFAULT partition that are before the cutoff. */
  readonly defaultRows: Count;
  /** Another partition of the parent whose detach was cut short: it comes first. */
  readonly pendingSibling: string | null;
  /** Null while somebody holds ACCESS EXCLUSIVE on any of it. */
  readonly sizeBytes: number | null;
  readonly estimatedRows: number;
  readonly rows: Count;
  readonly held: Count;
  /** What would be in the way of a DROP, in words of the server. */
  readonly dependents: readonly string[];
  /** Tables its foreign keys refer to: a DROP takes a lock on them as well. */
  readonly alsoLocks: readonly string[];
  readonly hasForeign: boolean;
  /** Policies would hide rows from us, and so rows on hold. */
  readonly rowSecurity: boolean;
  readonly permitted: boolean;
  readonly grant: string | null;
}

/** Bounds are the server's own words for its constants: they are read back by the server, in a session in UTC. $1 parent, $2 cutoff, $3 column. */
function childrenSql(type: AxisType): string {
  const upper = `btrim(b.upper, '''')::${type}`;
  const order = type === 'int8' ? upper : `extract(epoch FROM ${upper})`;
  return `
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted, c.relkind::text AS relkind,
  p.oid AS "parentOid", format('%I.%I', pn.nspname, p.relname) AS parent, b.bound,
  CASE WHEN b.isvalue THEN btrim(b.upper, '''') END AS upper, CASE WHEN b.isvalue THEN (${order})::float8 END AS "order",
  CASE WHEN b.isvalue THEN ${upper} <= $2::${type} ELSE false END AS expired,
  c.oid = pt.partdefid AS "isDefault", i.inhdetachpending AS pending, coalesce(own.partstrat = 'r' AND own.partnatts = 1
    AND own.partattrs[0] = (SELECT attnum FROM pg_attribute WHERE attrelid = c.oid AND attname::text = $3::text), false) AS divides
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
  JOIN pg_partitioned_table pt ON pt.partrelid = p.oid LEFT JOIN pg_partitioned_table own ON own.partrelid = c.oid
  CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) AS e
  CROSS JOIN LATERAL (SELECT e.bound, u.upper, u.upper IS NOT NULL AND u.upper <> 'MAXVALUE' AS isvalue
    FROM (SELECT substring(e.bound FROM ' TO \\((.*)\\)$') AS upper) AS u) AS b
WHERE i.inhparent = $1::oid ORDER BY "order" NULLS LAST, c.oid`;
}

/** The partitions of one table. */
export function readChildren(
  reader: TargetReader,
  parentOid: number,
  { type, column }: { readonly type: AxisType; readonly column: string },
  cutoff: Pick<Cutoff, 'value'>,
): Promise<PartitionRow[]> {
  return reader.query<PartitionRow>(childrenSql(type), [parentOid, cutoff.value, column]);
}

/** Whatever is below a relation, itself included: `tree (relid)`. */
const treeSql = `WITH RECURSIVE tree (relid) AS (
  SELECT $1::oid UNION ALL SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.relid)`;

/** $1 the partition, $2 its parent. Dependents that belong to the partition go with it. */
const partitionSql = `${treeSql},
locked AS (SELECT FROM pg_locks l JOIN tree ON l.relation = tree.relid
  WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())),
types (oid) AS (SELECT c.reltype FROM tree JOIN pg_class c ON c.oid = tree.relid WHERE c.reltype <> 0
  UNION ALL SELECT t.typarray FROM tree JOIN pg_class c ON c.oid = tree.relid JOIN pg_type t ON t.oid = c.reltype WHERE t.typarray <> 0),
things AS (
  SELECT d.classid, d.objid, d.objsubid FROM tree JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = tree.relid WHERE d.deptype = 'n'
  UNION ALL
  SELECT d.classid, d.objid, d.objsubid FROM types JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = types.oid WHERE d.deptype = 'n'),
others AS (SELECT t.* FROM things t
  LEFT JOIN pg_rewrite w ON t.classid = 'pg_rewrite'::regclass AND w.oid = t.objid
  LEFT JOIN pg_constraint k ON t.classid = 'pg_constraint'::regclass AND k.oid = t.objid
  LEFT JOIN pg_attrdef f ON t.classid = 'pg_attrdef'::regclass AND f.oid = t.objid
  LEFT JOIN pg_policy y ON t.classid = 'pg_policy'::regclass AND y.oid = t.objid
  LEFT JOIN pg_trigger g ON t.classid = 'pg_trigger'::regclass AND g.oid = t.objid
  WHERE coalesce(w.ev_class, k.conrelid, f.adrelid, y.polrelid, g.tgrelid, CASE WHEN t.classid = 'pg_class'::regclass THEN t.objid END, 0)
    NOT IN (SELECT relid FROM tree))
SELECT
  CASE WHEN NOT EXISTS (SELECT FROM locked) THEN (SELECT sum(pg_total_relation_size(relid))::float8 FROM tree) END AS "sizeBytes",
  (SELECT coalesce(sum(greatest(reltuples, 0)) FILTER (WHERE relkind = 'r'), 0)::float8 FROM tree JOIN pg_class c ON c.oid = relid) AS "estimatedRows",
  ARRAY(SELECT DISTINCT pg_describe_object(classid, objid, objsubid) FROM others ORDER BY 1 LIMIT 20) AS dependents,
  ARRAY(SELECT DISTINCT format('%I.%I', n.nspname, c.relname) FROM tree JOIN pg_constraint k ON k.conrelid = tree.relid AND k.contype = 'f'
    JOIN pg_class c ON c.oid = k.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE k.confrelid NOT IN (SELECT relid FROM tree)
    ORDER BY 1) AS "alsoLocks",
  (SELECT bool_or(c.relkind = 'f') FROM tree JOIN pg_class c ON c.oid = relid) AS "hasForeign",
  (SELECT bool_or(row_security_active(relid)) FROM tree) AS "rowSecurity",
  (SELECT bool_and(pg_has_role(c.relowner, 'USAGE')) FROM pg_class c WHERE c.oid IN ($1::oid, $2::oid)) AS permitted,
  (SELECT string_agg(DISTINCT format('GRANT %I TO %I', pg_get_userbyid(c.relowner), current_user), '; ') FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
    WHERE c.oid IN ($1::oid, $2::oid) AND NOT pg_has_role(c.relowner, 'USAGE') AND NOT r.rolsuper) AS "grant"`;

export type PartitionDetails = Pick<
  PartitionFacts,
  'sizeBytes' | 'estimatedRows' | 'dependents' | 'alsoLocks' | 'hasForeign' | 'rowSecurity' | 'permitted' | 'grant'
>;

export async function readDetails(reader: TargetReader, oid: number, parentOid: number): Promise<PartitionDetails> {
  const [details] = await reader.query<PartitionDetails>(partitionSql, [oid, parentOid]);
  if (details === undefined) throw new Error('a SELECT without FROM returned no row');
  return details;
}
