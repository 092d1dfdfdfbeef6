import { resolve } from 'node:path';
import { z } from 'zod';

/** Empty counts as unset. */
const text = z.preprocess((value) => (value === '' ? undefined : value), z.string().optional());

const environment = z.object({
  DATABASE_URL: z.string().min(1),
  REDIS_URL: z.string().min(1),
  REDIS_PREFIX: text.default('slacktide'),
  METRICS_HOST: text.default('127.0.0.1'),
  METRICS_PORT: z.coerce.number().int().min(0).max(65_535).default(7071),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Folders that `file:` references may point into, separated by commas; unset = anywhere the process may read. */
  SECRET_ROOTS: text,
  /** Folders of this host whose files tasks may touch, separated by colons; unset = none. */
  FILE_ROOTS: text,
  /** Whether SQL that an admin registered may be run here: `on` or `off`. The control plane has to be told as well. */
  CUSTOM_TASKS: text.default('off').pipe(z.enum(['on', 'off'])),
  /** How long SIGTERM waits for tasks in hand before it cancels them, in seconds. */
  DRAIN_SECONDS: z.coerce.number().int().min(0).max(86_400).default(25),
  LEASE_SECONDS: z.coerce.number().int().min(3).max(600).default(30),
  OTEL_EXPORTER_OTLP_ENDPOINT: text,
  OTEL_EXPORTER_OTLP_PROTOCOL: z.enum(['http/json', 'http/protobuf']).default('http/json'),
  SLACKTIDE_PARENT_WATCH: text,
});

/** Everything the worker takes from outside. */
export interface WorkerConfig {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly redisPrefix: string;
  readonly metricsHost: string;
  readonly metricsPort: number;
  readonly logLevel: string;
  readonly secretRoots: readonly string[] | undefined;
  /** Folders of this host whose files tasks may touch: absolute, in their plainest form. */
  readonly fileRoots: readonly string[];
  readonly customTasks: boolean;
  readonly drainMs: number;
  readonly leaseLifeMs: number;
  readonly otlpEndpoint: string | undefined;
  readonly otlpProtocol: 'http/json' | 'http/protobuf';
  /** Stop when the process that started us goes away. */
  readonly parentWatch: boolean;
  readonly taskTypes: readonly string[];
  readonly concurrency: number;
  /** Where `env:` references of secrets are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Reads environment and arguments. @throws Error that names the variable or argument and what was expected. */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  options: { readonly taskTypes: readonly string[]; readonly concurrency: number },
): WorkerConfig {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    throw new Error(
      `configuration: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`,
    );
  }
  const values = parsed.data;
  return {
    databaseUrl: values.DATABASE_URL,
    redisUrl: values.REDIS_URL,
    redisPrefix: values.REDIS_PREFIX,
    metricsHost: values.METRICS_HOST,
    metricsPort: values.METRICS_PORT,
    logLevel: values.LOG_LEVEL,
    secretRoots: values.SECRET_ROOTS?.split(',').map((root) => root.trim()),
    fileRoots: fileRootsOf(values.FILE_ROOTS),
    customTasks: values.CUSTOM_TASKS === 'on',
    drainMs: values.DRAIN_SECONDS * 1000,
    leaseLifeMs: values.LEASE_SECONDS * 1000,
    otlpEndpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
    otlpProtocol: values.OTEL_EXPORTER_OTLP_PROTOCOL,
    parentWatch: values.SLACKTIDE_PARENT_WATCH === '1',
    ...options,
    env,
  };
}

/** @throws Error for a folder that is not absolute, not in its plainest form, or the root of all. */
function fileRootsOf(value: string | undefined): readonly string[] {
  const roots = value?.split(':') ?? [];
  const wrong = roots.find((root) => root === '/' || root !== resolve('/', root));
  if (wrong !== undefined) {
    throw new Error(
      `configuration: FILE_ROOTS: expected absolute folders such as /var/log/postgresql, without . or .. or a slash at the end, separated by colons, got: ${JSON.stringify(wrong)}`,
    );
  }
  return roots;
}

/** The process's own environment: the only place that reads it. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}
