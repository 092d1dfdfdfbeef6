/**
 * Condition on `pg_stat_activity a`: its snapshot is one that `CREATE` or `REINDEX INDEX CONCURRENTLY` in the same database has to outlive. A row that is
 * hidden from our role has no type: it must stay.
 */
export const outlivedSnapshotSql = `a.backend_xmin IS NOT NULL AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
    AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum p WHERE p.pid IN (a.pid, a.leader_pid))
    AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p JOIN pg_index i ON i.indexrelid = p.index_relid
                    WHERE p.pid IN (a.pid, a.leader_pid) AND p.command LIKE '%CONCURRENTLY' AND p.datid = a.datid
                      AND i.indexprs IS NULL AND i.indpred IS NULL)`;
