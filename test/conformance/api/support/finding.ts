import { randomBytes } from 'node:crypto';
import { timeOrderedId } from '@slacktide/domain';
import type { Api } from './start-api.ts';

/** A finding as a check left it in the ledger, and its id; `at` = first and last sight. */
export async function seedFinding(
  { sql }: Pick<Api, 'sql'>,
  changes: { readonly at?: Date; readonly [column: string]: unknown } = {},
): Promise<string> {
  const { at = new Date(), ...columns } = changes;
  const id = timeOrderedId(at, randomBytes(16));
  const row = {
    id,
    targetId: 'shop',
    checkName: 'redundant_index',
    fingerprint: `index:public.${id}`,
    severity: 'warning',
    object: { kind: 'index', schema: 'public', name: 'orders_customer', table: 'orders' },
    summary: 'Index public.orders_customer is a prefix of public.orders_customer_placed, which stays',
    evidence: { size_bytes: 8192 },
    action: {
      sql: ['DROP INDEX CONCURRENTLY public.orders_customer'],
      rollbackSql: ['CREATE INDEX orders_customer ON public.orders USING btree (customer_id)'],
      lockMode: 'SHARE UPDATE EXCLUSIVE',
      class: 'never_retry',
    },
    config: {},
    firstSeenAt: at,
    lastSeenAt: at,
    occurrences: 1,
    taskId: '01a2013a-7cce-7d00-8f4e-0d9b2f6f1c11',
    ...columns,
  };
  await sql`
    INSERT INTO findings (id, target_id, check_name, fingerprint, severity, object, summary, evidence, action, config, first_seen_at,
      last_seen_at, resolved_at, occurrences, task_id)
    SELECT id, "targetId", "checkName", fingerprint, severity, object, summary, evidence, nullif(action, 'null'), config, "firstSeenAt", "lastSeenAt",
      "resolvedAt", occurrences, "taskId"
    FROM jsonb_to_record(${sql.json(row as never)}) AS row (
      id uuid, "targetId" text, "checkName" text, fingerprint text, severity text, object jsonb, summary text, evidence jsonb, action jsonb,
      config jsonb, "firstSeenAt" timestamptz, "lastSeenAt" timestamptz, "resolvedAt" timestamptz, occurrences int, "taskId" uuid)`;
  return id;
}
