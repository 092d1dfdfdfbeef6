import { randomBytes } from 'node:crypto';
import { answerQuestion, createApiKey, HealthRegistry, taskTypeCatalog } from '@slacktide/application';
import type { RequestContext, Scope } from '@slacktide/application/ports';
import { checkTypes } from '@slacktide/checks/schemas';
import { executors, taskTypes } from '@slacktide/executors';
import { connectLedger } from '@slacktide/ledger';
import { createPostgresGateway } from '@slacktide/targets';
import { createLogger, createMetrics } from '@slacktide/telemetry';
import { onTestFinished } from 'vitest';
import { createApp } from '../../../../apps/control-plane/src/api/app.ts';
import type { ApiDeps } from '../../../../apps/control-plane/src/api/deps.ts';
import { templateRules } from '../../../../apps/control-plane/src/template-rules.ts';
import { freshLedger, lookInto } from '../../../support/ledger.ts';
import { type CallOptions, createCaller } from './call.ts';

const operator: RequestContext = {
  actor: { kind: 'system', id: 'test', name: 'test' },
  traceId: '0'.repeat(31) + 1,
  traceparent: `00-${'0'.repeat(31)}1-${'0'.repeat(15)}1-01`,
};

export interface ApiOptions {
  /** What the worker finds as `env:NAME`. Without a worker nobody answers questions about targets. Default: a worker that knows `env:TARGET_PASSWORD`. */
  readonly worker?: {
    readonly env?: Readonly<Record<string, string>>;
    readonly secretRoots?: readonly string[];
    readonly customTasks?: boolean;
  } | null;
  readonly inquiryTimeoutMs?: number;
  /** In place of parts of what the API works with. */
  readonly deps?: Partial<ApiDeps>;
}

/**
 * The real API on a ledger of the running test's own, with a key of each kind and the answering side of a worker. There is
 * no Redis anywhere near it.
 */
export async function startApi(options: ApiOptions = {}) {
  const databaseUrl = await freshLedger();
  const connection = connectLedger({ databaseUrl, applicationName: 'test/api', maxConnections: 8 });
  onTestFinished(() => connection.close());
  const { apiKeys, auditChain, health: healthStore, inquiries, ledger } = connection;
  const now = () => new Date();
  const logged: string[] = [];
  const deps: ApiDeps = {
    ledger,
    inquiries,
    apiKeys,
    auditChain,
    auditSigner: undefined,
    healthStore,
    health: new HealthRegistry({ store: healthStore, now, ledgerNow: () => ledger.now(), limitMs: 2_000 }),
    taskTypes: taskTypeCatalog(taskTypes),
    templateRules,
    checks: checkTypes,
    randomBytes: (count) => randomBytes(count),
    inquiryTimeoutMs: options.inquiryTimeoutMs ?? 20_000,
    now,
    metrics: createMetrics({ service: 'control-plane', taskTypes: taskTypes.map(({ type }) => type) }),
    logger: createLogger({
      service: 'control-plane',
      level: 'info',
      destination: { write: (line) => void logged.push(line) },
    }),
    readiness: async () => ({ ready: true, reasons: [] }),
    ...options.deps,
  };
  const app = createApp(deps, '0.0.0-test');

  const newKey = async (scopes: readonly Scope[], expiresAt: Date | null = null) =>
    await createApiKey(deps, operator, { name: scopes.join(), scopes, expiresAt });
  const keys = {
    read: (await newKey(['maintenance:read'])).key,
    write: (await newKey(['maintenance:write'])).key,
    admin: (await newKey(['maintenance:admin'])).key,
  };

  if (options.worker !== null) {
    const { env = { TARGET_PASSWORD: 'postgres' }, customTasks = false, ...roots } = options.worker ?? {};
    const byType = new Map(executors.map((executor) => [executor.taskType.type, executor]));
    const answering = {
      gateway: createPostgresGateway({ env, ...roots }),
      observations: connection.observations,
      upkeep: connection.upkeep,
      customTasks,
      executorOf: (type: string) => byType.get(type),
    };
    onTestFinished(await inquiries.serve('worker-1', (question) => answerQuestion(answering, question)));
  }

  return {
    app,
    deps,
    reconciliation: connection.reconciliation,
    outbox: connection.outbox,
    keys,
    newKey,
    /** What the API wrote to its log. */
    logged,
    /** Of that, warnings and worse. */
    faults: () => logged.filter((line) => (JSON.parse(line) as { level: number }).level >= 40),
    databaseUrl,
    sql: lookInto(databaseUrl),
    /** Sends a request, with the admin's key unless told otherwise, and holds the answer to everything that is promised of any answer. */
    call: createCaller(app, keys.admin),
  };
}

export type Api = Awaited<ReturnType<typeof startApi>>;
export type { CallOptions };
