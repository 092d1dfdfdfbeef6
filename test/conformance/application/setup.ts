import { randomBytes } from 'node:crypto';
import { AppError, answerQuestion, createTarget, type Deps, taskTypeCatalog } from '@slacktide/application';
import { ScheduleInput, TargetInput } from '@slacktide/contract';
import { executors } from '@slacktide/executors';
import { taskTypes } from '@slacktide/executors/schemas';
import { connectLedger } from '@slacktide/ledger';
import { createPostgresGateway } from '@slacktide/targets';
import { onTestFinished } from 'vitest';
import type { z } from 'zod';
import { templateRules } from '../../../apps/control-plane/src/template-rules.ts';
import { freshLedger, lookInto } from '../../support/ledger.ts';
import { sampleContext } from '../../support/ledger-data.ts';

/** A control plane's dependencies over a ledger of the running test's own. */
export async function setup() {
  const databaseUrl = await freshLedger();
  const connection = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 5 });
  onTestFinished(() => connection.close());
  const { ledger, inquiries, apiKeys, observations, upkeep } = connection;
  const deps: Deps = {
    ledger,
    inquiries,
    taskTypes: taskTypeCatalog(taskTypes),
    templateRules,
    randomBytes,
    inquiryTimeoutMs: 10_000,
  };
  const sql = lookInto(databaseUrl);

  /** How many rows there are of everything a request could write. */
  const rows = async () => {
    const [row] = await sql<[Record<string, number>]>`SELECT
      (SELECT count(*)::int FROM schedules) AS schedules, (SELECT count(*)::int FROM targets) AS targets,
      (SELECT count(*)::int FROM jobs) AS jobs, (SELECT count(*)::int FROM tasks) AS tasks,
      (SELECT count(*)::int FROM outbox) AS outbox, (SELECT count(*)::int FROM audit_events) AS audit,
      (SELECT count(*)::int FROM idempotency_keys) AS keys`;
    return { ...row };
  };
  const outbox = async () => (await sql`SELECT message FROM outbox ORDER BY id`).map(({ message }) => message);
  const audit = async () => (await ledger.audit.list({ limit: 50 })).items;

  const executorOf = (type: string) => executors.find(({ taskType }) => taskType.type === type);

  /** A worker that answers questions about real databases, with `env` for its secrets. */
  const serveWorker = async (env: Record<string, string>) => {
    const gateway = createPostgresGateway({ env, connectTimeoutMs: 2_000 });
    const stop = await inquiries.serve('worker-1', (question) =>
      answerQuestion({ gateway, observations, upkeep, executorOf }, question),
    );
    onTestFinished(stop);
  };

  /** A target that nobody looks at. */
  const registerTarget = (id: string, labels: Record<string, string> = {}) =>
    createTarget(deps, sampleContext(), { target: targetInput({ id, name: `Target ${id}`, labels }), verify: false });

  return { deps, ctx: sampleContext(), sql, apiKeys, rows, outbox, audit, serveWorker, registerTarget };
}

export function targetInput(changes: Partial<z.input<typeof TargetInput>> = {}): TargetInput {
  return TargetInput.parse({
    name: 'Shop',
    connection: 'postgresql://maintainer@127.0.0.1:5432/shop',
    secret_ref: 'env:NOBODY_SET_IT',
    ...changes,
  });
}

export function scheduleInput(changes: Partial<z.input<typeof ScheduleInput>> = {}): ScheduleInput {
  const input = { name: 'Nightly', cron_expression: '0 2 * * *', target_ids: ['shop'], tasks: ['INDEX_REBUILD'] };
  return ScheduleInput.parse({ ...input, ...changes });
}

/** What a request was refused with: the error's code, and pointer and code of every field. */
export async function refusalOf(work: Promise<unknown>): Promise<{ code: string; fields: string[]; message: string }> {
  const error = await work.then(
    () => new Error('expected a refusal'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error;
  const { code, problems, message } = error;
  return { code, message, fields: problems.map((problem) => `${problem.pointer} ${problem.code}`) };
}
