import { migrateLedger } from '@slacktide/ledger';
import postgres from 'postgres';
import { inject, onTestFinished } from 'vitest';
import { createDatabase, templateDatabase } from './postgres.ts';

/**
 * The URL of a migrated, empty ledger of the running test's own; dropped when the test is over. Migrating happens once a
 * run, the rest are clones. `adminUrl` is the shared PostgreSQL 18 unless given.
 */
export async function freshLedger(adminUrl: string = inject('postgresUrl')): Promise<string> {
  const template = await templateDatabase(adminUrl, 'ledger_template', migrateLedger);
  const { url, drop } = await createDatabase(adminUrl, { template });
  onTestFinished(drop);
  return url;
}

/** A connection of the running test's own, to look at or prepare what is in a ledger; closed when the test is over. */
export function lookInto(databaseUrl: string): postgres.Sql {
  const sql = postgres(databaseUrl, { max: 2, onnotice: () => undefined });
  onTestFinished(() => sql.end({ timeout: 5 }));
  return sql;
}
