/**
 * SQL of a recursive CTE `<name>(root, relid)`: every relation of `rootsSql` (one column, `root`) and all partitions below it. By the catalogue
 * alone: pg_partition_tree() would wait for locks.
 */
export function partitionTreeSql(name: string, rootsSql: string): string {
  return `${name}(root, relid) AS (
  SELECT roots.root, roots.root FROM (${rootsSql}) roots
  UNION ALL
  SELECT t.root, i.inhrelid
  FROM ${name} t JOIN pg_inherits i ON i.inhparent = t.relid JOIN pg_class partition ON partition.oid = i.inhrelid
  WHERE partition.relispartition AND NOT i.inhdetachpending)`;
}
