import { type Standby, TargetError, type TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';

/** A foreign key of a user's table, as its referencing side needs to be found by. */
export interface ForeignKey {
  readonly name: string;
  readonly tableOid: number;
  readonly columns: readonly {
    readonly column: number;
    /** OID; an index with another one is of no use to the key. */
    readonly collation: number;
    /** As the server prints it; a partial index with this predicate serves the key. */
    readonly notNull: string;
  }[];
  /** Compares ranges: served by GiST, not by btree. */
  readonly period: boolean;
}

const foreignKeysSql = (serverVersion: number): string => `
SELECT f.conname::text AS name, f.conrelid AS "tableOid", ${serverVersion >= 180_000 ? 'f.conperiod' : 'false'} AS period,
  (SELECT json_agg(json_build_object('column', a.attnum, 'collation', a.attcollation::int8,
      'notNull', format('(%I IS NOT NULL)', a.attname)))
    FROM pg_attribute a WHERE a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey)) AS columns
FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE f.contype = 'f' AND ${serverVersion >= 180_000 ? 'f.conenforced' : 'true'} AND ${usersTableSql}
ORDER BY c.oid, f.conname`;

/** Anybody may read them. */
export function readForeignKeys(reader: TargetReader): Promise<ForeignKey[]> {
  return reader.query<ForeignKey>(foreignKeysSql(reader.serverVersion));
}

/** What the server's own counters are worth. */
export interface Counting {
  /** False = they stand still. */
  readonly countsScans: boolean;
  /** Null = never, or forgotten in a crash that emptied them. */
  readonly countersResetAt: Date | null;
}

/** Anybody may read it. */
export async function readCounting(reader: TargetReader): Promise<Counting> {
  const [row] = await reader.query<Counting>(`
SELECT current_setting('track_counts')::boolean AS "countsScans", stats_reset AS "countersResetAt"
FROM pg_stat_database WHERE datname = current_database()`);
  if (row === undefined) throw new Error('expected the row of our own database in pg_stat_database');
  return row;
}

/** Scans on a standby by `schema.name` of the index; a text = why they are not known. */
export type StandbyCounters = ReadonlyMap<string, number> | string;

const countersSql = `
SELECT n.nspname || '.' || x.relname AS index, pg_stat_get_numscans(x.oid)::float8 AS scans
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE x.relkind = 'i' AND ${usersTableSql}`;

/** Reads a standby's own counters. Its catalogue is the primary's, as of a moment ago. */
export async function readStandbyCounters({ name, read }: Standby): Promise<StandbyCounters> {
  try {
    return await read(async (reader) => {
      if (!(await readCounting(reader)).countsScans) return `standby ${name} does not count scans: track_counts is off`;
      const rows = await reader.query<{ index: string; scans: number }>(countersSql);
      return new Map(rows.map(({ index, scans }) => [index, scans]));
    });
  } catch (error) {
    if (error instanceof TargetError) return `standby ${name} could not be read: ${error.message}`;
    throw error;
  }
}
