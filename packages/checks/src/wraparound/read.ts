import type { TargetReader } from '@slacktide/application/ports';
import { type Holder, readHolders } from './holders.ts';
import { type HeapAges, type Relations, readRelations } from './relations.ts';

export interface Server {
  readonly inRecovery: boolean;
  readonly database: string;
  readonly autovacuum_freeze_max_age: number;
  readonly autovacuum_multixact_freeze_max_age: number;
  readonly vacuum_failsafe_age: number;
  readonly vacuum_multixact_failsafe_age: number;
  /** The next transaction id, counted without wrapping. */
  readonly nextXid: number;
  /** The next multixact, which wraps at 2^32. */
  readonly nextMultixact: number;
}

export interface DatabaseAge extends Pick<HeapAges, 'xidAge' | 'multixactAge'> {
  readonly name: string;
  readonly allowsConnections: boolean;
  /** Left behind by an interrupted DROP DATABASE: no longer counted by the server. */
  readonly invalid: boolean;
}

export interface WraparoundFacts extends Relations {
  readonly server: Server;
  readonly databases: readonly DatabaseAge[];
  readonly holders: readonly Holder[];
}

/** Everybody may read all of this, and nothing of it opens a relation. */
export async function readWraparoundFacts(reader: TargetReader): Promise<WraparoundFacts> {
  const [server] = await reader.query<Server>(serverSql);
  if (server === undefined) throw new Error('expected the row of our own database in pg_database');
  const databases = await reader.query<DatabaseAge>(databasesSql);
  return {
    server,
    databases,
    holders: await readHolders(reader),
    ...(await readRelations(reader)),
  };
}

const setting = (name: string): string => `current_setting('${name}')::float8 AS ${name}`;

const serverSql = `
SELECT pg_is_in_recovery() AS "inRecovery", datname::text AS database,
  ${setting('autovacuum_freeze_max_age')}, ${setting('autovacuum_multixact_freeze_max_age')},
  ${setting('vacuum_failsafe_age')}, ${setting('vacuum_multixact_failsafe_age')},
  pg_snapshot_xmax(pg_current_snapshot())::text::float8 AS "nextXid",
  ((datminmxid::text::int8 + mxid_age(datminmxid)) % 4294967296)::float8 AS "nextMultixact"
FROM pg_database WHERE datname = current_database()`;

const databasesSql = `
SELECT datname::text AS name, datallowconn AS "allowsConnections", datconnlimit = -2 AS invalid,
  age(datfrozenxid) AS "xidAge", mxid_age(datminmxid) AS "multixactAge"
FROM pg_database ORDER BY age(datfrozenxid) DESC, datname`;
