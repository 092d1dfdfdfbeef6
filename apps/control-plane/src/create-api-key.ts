import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createApiKey, scopes } from '@slacktide/application';
import { connectLedger } from '@slacktide/ledger';
import { currentTrace } from '@slacktide/telemetry';
import { z } from 'zod';
import { processEnvironment, readConfig } from './config.ts';

// Makes an API key in the ledger of DATABASE_URL and prints it, this once. For the first key of an installation.
const usage = `usage: create-api-key --name NAME --scopes ${scopes.join(',')}`;

const options = z.object({
  name: z.string().trim().min(1).max(200),
  scopes: z
    .string()
    .transform((list) => list.split(',').map((scope) => scope.trim()))
    .pipe(z.array(z.enum(scopes)).min(1)),
});

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { name: { type: 'string' }, scopes: { type: 'string' } },
  strict: false,
});
const parsed = options.safeParse(values);
if (!parsed.success) {
  process.stderr.write(`${usage}\n`);
  process.exit(2);
}
const { databaseUrl } = readConfig({ REDIS_URL: 'redis://unused', ...processEnvironment() });
const connection = connectLedger({ databaseUrl, applicationName: 'slacktide/create-api-key', maxConnections: 1 });
try {
  const ctx = { actor: { kind: 'system', id: 'console', name: 'console' } as const, ...currentTrace() };
  const deps = { ...connection, randomBytes: (count: number) => randomBytes(count) };
  const { key } = await createApiKey(deps, ctx, { ...parsed.data, expiresAt: null });
  process.stdout.write(`${key}\n`);
} finally {
  await connection.close();
}
