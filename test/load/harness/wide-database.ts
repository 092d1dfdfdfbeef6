import pg from 'pg';
import { withDatabase } from '../../support/postgres.ts';

export interface WideDatabase {
  readonly url: string;
  readonly tables: number;
  readonly indexes: number;
}

/** Tables made in one transaction: each holds locks on all of its indexes until the commit. */
const tablesATransaction = 100;

/**
 * A database of many tables, each with four indexes: the primary key, one that a foreign key needs, one redundant under it, and one nobody
 * uses; a tenth of the tables have rows, dead ones among them.
 */
export async function makeWideDatabase(adminUrl: string, tables: number): Promise<WideDatabase> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query('CREATE DATABASE wide');
  await admin.end();
  const url = withDatabase(adminUrl, 'wide');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('CREATE EXTENSION pgstattuple; CREATE EXTENSION amcheck; CREATE EXTENSION pg_stat_statements');
    await client.query('CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 1000)');
    for (let from = 1; from <= tables; from += tablesATransaction) {
      await client.query(chunkSql(from, Math.min(tables, from + tablesATransaction - 1)));
    }
    await client.query('ANALYZE');
  } finally {
    await client.end();
  }
  return { url, tables: tables + 1, indexes: 4 * tables + 1 };
}

function chunkSql(from: number, to: number): string {
  return `DO $$ BEGIN FOR n IN ${from}..${to} LOOP
    EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, parent_id int REFERENCES parent, state text, at timestamptz)', n);
    EXECUTE format('CREATE INDEX t%1$s_parent_at ON t%1$s (parent_id, at)', n);
    EXECUTE format('CREATE INDEX t%1$s_parent ON t%1$s (parent_id)', n);
    EXECUTE format('CREATE INDEX t%1$s_state ON t%1$s (state)', n);
    IF n % 10 = 0 THEN
      EXECUTE format('INSERT INTO t%s SELECT g, 1 + g %% 1000, md5(g::text), now() FROM generate_series(1, 2000) g', n);
      EXECUTE format('DELETE FROM t%s WHERE id %% 3 = 0', n);
    END IF;
  END LOOP; END $$`;
}
