import type { LoadFleet } from './load-fleet.ts';

/** Writes enabled schedules with one task each for the target `t1`; `cron` says when the n-th is due, `nextDueAt` when it is next. */
export async function seedSchedules(
  { sql }: Pick<LoadFleet, 'sql'>,
  count: number,
  when: (position: number) => { readonly cron: string; readonly nextDueAt: Date },
): Promise<void> {
  const rows = Array.from({ length: count }, (_, position) => ({ id: `s${position}`, ...when(position) }));
  await sql`
    INSERT INTO schedules (id, name, cron_expression, timezone, targets, tasks, halt_on_task_failure, enabled, misfire_policy,
      overlap_policy, version, next_due_at, created_at, updated_at)
    SELECT id, id, cron, 'UTC', '{"kind":"ids","ids":["t1"]}',
      '[{"key":"checkpoint","type":"CHECKPOINT","config":{},"needs":[]}]', true, true, 'run_once', 'allow', 1, "nextDueAt", now(), now()
    FROM jsonb_to_recordset(${sql.json(rows as never)}) AS row (id text, cron text, "nextDueAt" timestamptz)`;
}

/** How many timers a fleet has in Redis. */
export function timersKey(prefix: string): string {
  return `${prefix}:ticks:repeat`;
}
