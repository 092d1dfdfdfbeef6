import { migrateLedger } from '@slacktide/ledger';
import { processEnvironment, readConfig } from './config.ts';

// Brings the ledger of MIGRATE_DATABASE_URL (its owner; DATABASE_URL when that is not set) to the schema of this release, grants
// the apps' role what they need, and ends. Safe to run at any time, by several at once.
const { migrateDatabaseUrl, ledgerAppRole } = readConfig({
  REDIS_URL: 'redis://unused',
  DATABASE_URL: processEnvironment()['MIGRATE_DATABASE_URL'],
  ...processEnvironment(),
});
await migrateLedger(migrateDatabaseUrl, {
  appRole: ledgerAppRole,
  onLeftToDo: (text) => process.stderr.write(`migrate: left for a superuser: ${text}\n`),
});
