import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import {
  AppError,
  authenticate,
  createApiKey,
  createTarget,
  installBundles,
  type RequestContext,
  replaceTarget,
} from '@slacktide/application';
import { connectLedger, type LedgerConnection, migrateLedger } from '@slacktide/ledger';
import { type Home, secretFile } from './home.ts';
import type { LedgerUrls } from './services.ts';

export interface LedgerSeed extends LedgerUrls {
  /** The group of the apps' role. Undefined: as migrations have it. */
  ledgerAppRole: string | undefined;
  /** Told of what only a superuser can do to the ledger. */
  log: (line: string) => void;
  /** The demo target without its password, e.g. `postgresql://slacktide_agent@127.0.0.1:5432/shop`; its port may change between two starts. */
  shopConnection: string;
  /** Where the worker finds the password: `file:<path>`. */
  secretRef: string;
  /** For what has to be kept, such as the admin key: the ledger knows only its hash. */
  home: Home;
}

const shopId = 'shop';
/** A worker looks at the target once it is up; the seed comes before. */
const unseen = { inquiries: { ask: () => Promise.reject(new Error('the seed asks no worker')) }, inquiryTimeoutMs: 1 };

/** Brings the ledger to the newest schema and makes what the demo needs, unless it is there: admin key, target, bundles (disabled). */
export async function seedLedger(seed: LedgerSeed): Promise<{ apiKey: string; targetId: string }> {
  await migrateLedger(seed.migrateDatabaseUrl, {
    ...(seed.ledgerAppRole !== undefined && { appRole: seed.ledgerAppRole }),
    onLeftToDo: (text) => seed.log(`left for a superuser of the ledger's server: ${text}`),
  });
  const connection = connectLedger({
    databaseUrl: seed.databaseUrl,
    applicationName: 'slacktide/seed',
    maxConnections: 2,
  });
  try {
    const traceId = randomBytes(16).toString('hex');
    const ctx: RequestContext = {
      actor: { kind: 'system', id: 'seed', name: 'npm start' },
      traceId,
      traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-00`,
    };
    const apiKey = await adminKey(connection, ctx, seed.home);
    await keepShop(connection, ctx, seed);
    await installBundles(connection, ctx, [shopId]);
    return { apiKey, targetId: shopId };
  } finally {
    await connection.close();
  }
}

/** The key of the first start; a new one where the ledger does not know it (another ledger, or the file is gone). */
async function adminKey(connection: LedgerConnection, ctx: RequestContext, home: Home): Promise<string> {
  const file = secretFile(home, 'admin-api-key');
  const kept = readIfThere(file);
  if (kept !== undefined && (await isKnown(connection, kept))) return kept;
  const { key } = await createApiKey({ ...connection, randomBytes: (count) => randomBytes(count) }, ctx, {
    name: 'local admin',
    scopes: ['maintenance:admin'],
    expiresAt: null,
  });
  writeFileSync(file, key, { mode: 0o600 });
  return key;
}

async function isKnown(connection: LedgerConnection, key: string): Promise<boolean> {
  try {
    await authenticate({ ...connection, now: () => new Date() }, key);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'unauthenticated') return false;
    throw error;
  }
}

async function keepShop(connection: LedgerConnection, ctx: RequestContext, seed: LedgerSeed): Promise<void> {
  const deps = { ...connection, ...unseen, randomBytes: (count: number) => randomBytes(count) };
  const target = {
    id: shopId,
    name: 'Demo shop',
    kind: 'postgres' as const,
    connection: seed.shopConnection,
    secret_ref: seed.secretRef,
    standbys: [],
    labels: { env: 'demo' },
  };
  const present = await connection.ledger.targets.get(shopId);
  if (present === undefined) await createTarget(deps, ctx, { target, verify: false });
  else if (present.connection !== seed.shopConnection || present.secretRef !== seed.secretRef) {
    const labels = { ...present.labels };
    await replaceTarget(deps, ctx, {
      id: shopId,
      expectedVersion: null,
      target: { ...target, name: present.name, standbys: [...present.standbys], labels },
      verify: false,
    });
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
