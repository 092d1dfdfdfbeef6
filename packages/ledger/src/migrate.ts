import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import postgres from 'postgres';
import { grantApps } from './grant-apps.ts';

type Migration = ReturnType<typeof readMigrationFiles>[number];

const migrationsFolder = fileURLToPath(new URL('../migrations', import.meta.url));

export interface MigrateOptions {
  /** The group role that the apps' login roles are members of. Default `slacktide_app`. */
  readonly appRole?: string;
  /** Told of what only a superuser can do, in words and SQL. Default: nobody. */
  readonly onLeftToDo?: (text: string) => void;
}

/**
 * Brings the ledger to the schema of this code, as its owner, and grants the apps' role what the apps need of it. Changes
 * nothing when all that is so already. Any number of processes may start at once: one migrates, the others wait for it.
 * Migrations only go forward.
 * @throws Error when the ledger was migrated by newer code, or by other migrations than these.
 */
export async function migrateLedger(
  databaseUrl: string,
  { appRole = 'slacktide_app', onLeftToDo = () => undefined }: MigrateOptions = {},
): Promise<void> {
  const sql = postgres(databaseUrl, {
    max: 1,
    connect_timeout: 5,
    onnotice: () => undefined,
    connection: { application_name: 'slacktide-migrate' },
  });
  try {
    await sql.begin(async (tx) => {
      await tx`SELECT pg_advisory_xact_lock(hashtext('slacktide.migrate'))`;
      for (const migration of await missing(tx, readMigrationFiles({ migrationsFolder }))) {
        for (const statement of migration.sql) await tx.unsafe(statement);
        await tx`INSERT INTO ledger_migrations (made_at, hash) VALUES (${migration.folderMillis}, ${migration.hash})`;
      }
      for (const text of await grantApps(tx, appRole)) onLeftToDo(text);
    });
  } finally {
    await sql.end();
  }
}

async function missing(tx: postgres.TransactionSql, known: readonly Migration[]): Promise<readonly Migration[]> {
  await tx`CREATE TABLE IF NOT EXISTS ledger_migrations (
    made_at bigint PRIMARY KEY, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
  )`;
  const applied = await tx<{ hash: string }[]>`SELECT hash FROM ledger_migrations ORDER BY made_at`;
  for (const [position, { hash }] of applied.entries()) {
    const migration = known[position];
    if (migration === undefined) {
      throw new Error(
        `the ledger is newer than this code: it has ${applied.length} migrations, expected ${known.length}`,
      );
    }
    if (migration.hash !== hash) {
      throw new Error(
        `migration ${position} of the ledger is not the one of this code: expected ${migration.hash}, got ${hash}`,
      );
    }
  }
  return known.slice(applied.length);
}
