import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { createDatabase, withDatabase } from '../../support/postgres.ts';
import { readServerLog, type WitnessedStatement, witnessFile } from './server-log.ts';
import { maintainer, type Servers } from './servers.ts';
import { witnessSchema } from './witness-executors.ts';

/** A database under care. */
export interface RigTarget {
  readonly id: string;
  readonly database: string;
  /** As superuser, for what a test does to it. */
  readonly url: string;
  /** As superuser. Reconnects after a crash of the server. */
  readonly sql: pg.Pool;
  drop(): Promise<void>;
}

/** Makes a database that belongs to the maintainer, with the witness's tables. */
export async function makeTarget(servers: Servers, id: string, targetSql: string): Promise<RigTarget> {
  const { name, url, drop } = await createDatabase(servers.targets.url);
  const sql = new pg.Pool({ connectionString: url, max: 2 });
  sql.on('error', () => undefined); // the server is crashed on purpose
  await sql.query(`ALTER DATABASE ${name} OWNER TO ${maintainer}; ALTER SCHEMA public OWNER TO ${maintainer}`);
  await sql.query(`CREATE EXTENSION pgstattuple; SET ROLE ${maintainer}; ${witnessSchema} ${targetSql}; RESET ROLE`);
  return {
    id,
    database: name,
    url: withDatabase(servers.targets.url, name),
    sql,
    drop: async () => {
      await sql.end();
      await drop();
    },
  };
}

/** What the server saw the maintainer do on these targets, in the order it began. */
export function readWitness(
  servers: Servers,
  targets: readonly RigTarget[],
): readonly (WitnessedStatement & { targetId: string })[] {
  const idOf = new Map(targets.map(({ database, id }) => [database, id]));
  return readServerLog(readFileSync(join(servers.targets.dataDir, witnessFile), 'utf8')).flatMap((statement) => {
    const targetId = idOf.get(statement.database);
    return targetId === undefined || statement.user !== maintainer ? [] : [{ ...statement, targetId }];
  });
}
