import { migrateLedger } from '@slacktide/ledger';
import { processEnvironment, readConfig } from './config.ts';

// Brings the ledger of DATABASE_URL to the schema of this release, and ends. Safe to run at any time, by several at once.
await migrateLedger(readConfig({ REDIS_URL: 'redis://unused', ...processEnvironment() }).databaseUrl);
