import { z } from 'zod';

/** Empty counts as unset. */
const text = z.preprocess((value) => (value === '' ? undefined : value), z.string().optional());

const roles = ['api', 'dispatcher', 'reconciler'] as const;
export type Role = (typeof roles)[number];

/** A role of PostgreSQL that needs no quotes. */
const roleName = /^[a-z_][a-z0-9_]{0,62}$/;

const environment = z.object({
  DATABASE_URL: z.string().min(1),
  /** The ledger as its owner, for migrations. Default: DATABASE_URL. */
  MIGRATE_DATABASE_URL: text,
  /** The group role that the roles of DATABASE_URL belong to: migrations grant it what the apps need. */
  LEDGER_APP_ROLE: text.default('slacktide_app').pipe(z.string().regex(roleName)),
  /** The Ed25519 key that heads of the audit log are signed with, in PEM: `file:/path` or `env:NAME`. */
  AUDIT_SIGNING_KEY: text.pipe(
    z
      .string()
      .regex(/^(file|env):./, 'Expected file:/path or env:NAME')
      .optional(),
  ),
  /** A YAML file with settings of care. */
  CARE_CONFIG: text,
  REDIS_URL: z.string().min(1),
  REDIS_PREFIX: text.default('slacktide'),
  HOST: text.default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(7070),
  ROLES: text
    .default(roles.join(','))
    .transform((list) => list.split(',').map((role) => role.trim()))
    .pipe(z.array(z.enum(roles)).min(1)),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Whether CUSTOM tasks may be registered and run: `on` or `off`. The workers have to be told as well. */
  CUSTOM_TASKS: text.default('off').pipe(z.enum(['on', 'off'])),
  /** How long job history is kept, in hours; daily figures outlive it. */
  RETENTION_HOURS: z.coerce.number().int().min(1).max(87_600).default(24),
  /** How long a request waits for a worker's look at a target, in seconds. */
  INQUIRY_SECONDS: z.coerce.number().int().min(1).max(120).default(20),
  OTEL_EXPORTER_OTLP_ENDPOINT: text,
  OTEL_EXPORTER_OTLP_PROTOCOL: z.enum(['http/json', 'http/protobuf']).default('http/json'),
  SLACKTIDE_PARENT_WATCH: text,
});

/** Everything the control plane takes from outside. */
export interface ControlPlaneConfig {
  readonly databaseUrl: string;
  readonly migrateDatabaseUrl: string;
  readonly ledgerAppRole: string;
  readonly auditSigningKey: string | undefined;
  readonly careConfig: string | undefined;
  readonly customTasks: boolean;
  readonly redisUrl: string;
  readonly redisPrefix: string;
  readonly host: string;
  readonly port: number;
  readonly roles: readonly Role[];
  readonly logLevel: string;
  readonly retentionHours: number;
  readonly inquiryTimeoutMs: number;
  readonly otlpEndpoint: string | undefined;
  readonly otlpProtocol: 'http/json' | 'http/protobuf';
  readonly parentWatch: boolean;
}

/** Reads the environment. @throws Error that names each variable that is wrong and what was expected. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): ControlPlaneConfig {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    throw new Error(
      `configuration: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`,
    );
  }
  const values = parsed.data;
  return {
    databaseUrl: values.DATABASE_URL,
    migrateDatabaseUrl: values.MIGRATE_DATABASE_URL ?? values.DATABASE_URL,
    ledgerAppRole: values.LEDGER_APP_ROLE,
    auditSigningKey: values.AUDIT_SIGNING_KEY,
    careConfig: values.CARE_CONFIG,
    customTasks: values.CUSTOM_TASKS === 'on',
    redisUrl: values.REDIS_URL,
    redisPrefix: values.REDIS_PREFIX,
    host: values.HOST,
    port: values.PORT,
    roles: values.ROLES,
    logLevel: values.LOG_LEVEL,
    retentionHours: values.RETENTION_HOURS,
    inquiryTimeoutMs: values.INQUIRY_SECONDS * 1000,
    otlpEndpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
    otlpProtocol: values.OTEL_EXPORTER_OTLP_PROTOCOL,
    parentWatch: values.SLACKTIDE_PARENT_WATCH === '1',
  };
}

/** The process's own environment: the only place that reads it. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}
