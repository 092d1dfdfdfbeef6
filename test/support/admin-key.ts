import { randomBytes } from 'node:crypto';
import { createApiKey } from '@slacktide/application';
import { connectLedger } from '@slacktide/ledger';

/** Makes an API key that may do everything, straight in the ledger. */
export async function makeAdminKey(databaseUrl: string): Promise<string> {
  const connection = connectLedger({ databaseUrl, applicationName: 'slacktide/test', maxConnections: 1 });
  try {
    const { key } = await createApiKey(
      { ...connection, randomBytes: (count) => randomBytes(count) },
      { actor: { kind: 'system', id: 'test', name: 'test' }, traceId: '0'.repeat(32), traceparent: '' },
      { name: 'admin', scopes: ['maintenance:admin'], expiresAt: null },
    );
    return key;
  } finally {
    await connection.close();
  }
}
