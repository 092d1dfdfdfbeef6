import { resolve } from 'node:path';
import { z } from 'zod';
import { checkout } from './checkout.ts';

/** An empty variable counts as one that is not set. */
const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

const Environment = z.object({
  PORT: optional(z.coerce.number().int().min(0).max(65_535)),
  SLACKTIDE_HOME: optional(z.string()),
  DATABASE_URL: optional(z.url({ protocol: /^postgres(ql)?$/ })),
  MIGRATE_DATABASE_URL: optional(z.url({ protocol: /^postgres(ql)?$/ })),
  LEDGER_APP_ROLE: optional(z.string()),
  REDIS_URL: optional(z.url({ protocol: /^rediss?$/ })),
});

export interface LocalConfig {
  /** The control plane's port when the user chose one; 0 for any. Otherwise `defaultPort` or the next free one. */
  port: number | undefined;
  /** Where everything is kept. Default `.slacktide` in the checkout. */
  home: string;
  /** A ledger database of the user's own, in place of the embedded one. */
  databaseUrl: string | undefined;
  /** The same as its owner, for migrations. Default: `databaseUrl`. */
  migrateDatabaseUrl: string | undefined;
  /** The group that the role of `databaseUrl` belongs to. Undefined: as migrations have it. */
  ledgerAppRole: string | undefined;
  /** A Redis of the user's own, in place of the one we start. */
  redisUrl: string | undefined;
  /** What the apps inherit: all of it, as targets may name secrets by `env:NAME`. */
  environment: NodeJS.ProcessEnv;
}

export const defaultPort = 7070;

/** Reads the environment; throws with the variable's name when a value cannot be used. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): LocalConfig {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success) {
    // The value is left out: it may hold a password.
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new Error(`cannot use the environment: ${problems.join('; ')}`);
  }
  const { PORT, SLACKTIDE_HOME, DATABASE_URL, MIGRATE_DATABASE_URL, LEDGER_APP_ROLE, REDIS_URL } = parsed.data;
  return {
    port: PORT,
    home: resolve(checkout, SLACKTIDE_HOME ?? '.slacktide'),
    databaseUrl: DATABASE_URL,
    migrateDatabaseUrl: MIGRATE_DATABASE_URL ?? DATABASE_URL,
    ledgerAppRole: LEDGER_APP_ROLE,
    redisUrl: REDIS_URL,
    environment,
  };
}
