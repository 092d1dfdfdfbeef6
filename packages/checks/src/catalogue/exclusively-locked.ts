/**
 * SQL: OIDs of relations of this database on which somebody holds, or waits for, ACCESS EXCLUSIVE. `pg_relation_size` and whatever else opens
 * a relation would wait for them.
 */
export const exclusivelyLockedSql = `SELECT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
