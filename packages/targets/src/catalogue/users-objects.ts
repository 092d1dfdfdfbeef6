/**
 * SQL condition on pg_class as `c` and its pg_namespace as `n`: a relation that is a user's, not the system's, a session's or an
 * extension's. An index counts as its table does: give the table's row as `c`.
 */
export const usersTableSql = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
    AND c.relpersistence <> 't'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`;
