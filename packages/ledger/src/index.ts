export { connectLedger, type LedgerConnection, type LedgerOptions } from './connect.ts';
export { migrateLedger } from './migrate.ts';
