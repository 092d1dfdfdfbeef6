import type { TargetReader } from '@slacktide/application/ports';

/** How an index that is there could be made again. */
export interface Restorable {
  readonly oid: number;
  readonly valid: boolean;
  /**
   * Complete statements in their order, each to be sent alone: the index, CONCURRENTLY unless it is partitioned and in its tablespace, then all that is
   * said of it, and what it is a part of.
   */
  readonly statements: readonly string[];
  /** Collects statistics of its expressions again; null = it has none. */
  readonly analyze: string | null;
}

/** pg_get_indexdef leaves out the tablespace, whose place is before WHERE. The target of statistics is NULL or -1 where nobody set it. */
const restorableSql = `
SELECT x.oid, (i.indisvalid AND i.indisready AND i.indislive) AS valid,
  array_remove(ARRAY[
    regexp_replace(left(d.definition, length(d.definition) - length(d.tail)), '^CREATE (UNIQUE )?INDEX ',
        'CREATE \\1INDEX ' || CASE WHEN x.relkind = 'i' THEN 'CONCURRENTLY ' ELSE '' END)
      || coalesce(' TABLESPACE ' || quote_ident(z.spcname), '') || d.tail]
    || ARRAY(SELECT format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', n.nspname, x.relname, a.attnum, a.attstattarget)
      FROM pg_attribute a WHERE a.attrelid = x.oid AND a.attnum > 0 AND coalesce(a.attstattarget, -1) >= 0 ORDER BY a.attnum)
    || ARRAY(SELECT format('ALTER INDEX %I.%I ATTACH PARTITION %I.%I', pn.nspname, p.relname, n.nspname, x.relname)
      FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE h.inhrelid = x.oid)
    || ARRAY[format('COMMENT ON INDEX %I.%I IS ', n.nspname, x.relname) || quote_literal(c.description),
      CASE WHEN i.indisclustered THEN format('ALTER TABLE %I.%I CLUSTER ON %I', tn.nspname, t.relname, x.relname) END], NULL) AS statements,
  CASE WHEN i.indexprs IS NOT NULL THEN format('ANALYZE %I.%I', tn.nspname, t.relname) END AS analyze
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace
JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_tablespace z ON z.oid = x.reltablespace
LEFT JOIN pg_description c ON c.classoid = 'pg_class'::regclass AND c.objoid = x.oid AND c.objsubid = 0
CROSS JOIN LATERAL (SELECT pg_get_indexdef(x.oid) AS definition, coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '') AS tail) AS d
WHERE format('%I.%I', n.nspname, x.relname) = $1::text`;

/** How the index of this name (`schema.name`, quoted by the server) could be made again; undefined when there is none. */
export async function readRestorable(reader: TargetReader, quoted: string): Promise<Restorable | undefined> {
  const [row] = await reader.query<Restorable>(restorableSql, [quoted]);
  return row;
}
