/** A session, or a prepared transaction (no pid), that has or waits for a lock on a table. Fields the role may not see are null. */
export interface TableLockHolder {
  readonly pid: number | null;
  readonly user: string | null;
  readonly applicationName: string | null;
  readonly transactionAgeSeconds: number | null;
  /** As pg_locks has it, e.g. `RowExclusiveLock`. */
  readonly mode: string;
  readonly granted: boolean;
}

/** A session of the database, or a prepared transaction, whose snapshot work CONCURRENTLY has to outlive. */
export type SnapshotHolder = Omit<TableLockHolder, 'mode' | 'granted'>;

/** Which table a step works on. */
export interface WorkedTable {
  /** When it is known; else the table of this name is meant, or the one an index of this name is on, or `table` of this schema. */
  readonly oid: number | null;
  readonly schema: string | null;
  readonly name: string;
  readonly table: string | null;
}

/** Who has locks on tables, and who has snapshots. */
export interface LockLook {
  /** In the order of the tables asked for; undefined = there is no such table. */
  readonly tables: readonly (readonly TableLockHolder[] | undefined)[];
  readonly snapshots: readonly SnapshotHolder[];
}
