import type { Inquiries } from '@slacktide/application/ports';
import type { LedgerPool } from '../sql.ts';
import { createAsker } from './create-asker.ts';
import { createServer, type ServerOptions } from './create-server.ts';

/**
 * Questions to workers as rows, with notifications to hurry them. A question lives as long as its asker waits, is taken by one worker,
 * and dies with it; a row holds the target's address with the reference to its secret, never the secret.
 */
export function createInquiries(sql: LedgerPool, options: ServerOptions = {}): Inquiries {
  return { ask: createAsker(sql), serve: createServer(sql, options) };
}
